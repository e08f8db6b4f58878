export interface FormPart {
  readonly name: string
  readonly filename: string | undefined
  readonly contentType: string
  readonly content: Buffer
}

const HEADER_END = Buffer.from('\r\n\r\n')

/** multipart/form-data (RFC 7578) of a body that is in memory as a whole; undefined where it is something else. */
export function parseMultipart(body: Buffer, contentType: string): FormPart[] | undefined {
  const boundary = /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)
  const text = boundary?.[1] ?? boundary?.[2]
  if (text === undefined) return undefined
  const delimiter = Buffer.from(`--${text}`)
  const parts: FormPart[] = []
  let start = body.indexOf(delimiter)
  while (start >= 0) {
    const end = body.indexOf(delimiter, start + delimiter.length)
    if (end < 0) return parts
    // Between the line end after one delimiter and the line end before the next.
    const part = parsePart(body.subarray(start + delimiter.length + 2, end - 2))
    if (part !== undefined) parts.push(part)
    start = end
  }
  return undefined
}

function parsePart(part: Buffer): FormPart | undefined {
  const split = part.indexOf(HEADER_END)
  if (split < 0) return undefined
  const head = part.subarray(0, split).toString('utf8')
  const name = /\bname="([^"]*)"/i.exec(head)?.[1]
  if (name === undefined) return undefined
  return {
    name,
    filename: /\bfilename="([^"]*)"/i.exec(head)?.[1],
    contentType: /^content-type:\s*(\S+)/im.exec(head)?.[1]?.replace(/;$/, '') ?? 'application/octet-stream',
    content: part.subarray(split + HEADER_END.length),
  }
}
