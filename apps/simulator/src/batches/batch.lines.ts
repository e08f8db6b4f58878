import { isRecord, parseJson } from '../http/json.js'

export interface BatchLine {
  readonly id: string
  readonly request: unknown
}

/** JSONL with a unique id in each line; the result is a text that says what is wrong. */
export function parseBatchLines(body: Buffer, maxLines: number): BatchLine[] | string {
  const lines: BatchLine[] = []
  const ids = new Set<string>()
  for (const text of body.toString('utf8').split('\n')) {
    if (text.trim() === '') continue
    const line = parseJson(Buffer.from(text))
    if (!isRecord(line) || typeof line.id !== 'string' || !isRecord(line.request))
      return `line ${lines.length + 1} must be {"id", "request"}`
    if (ids.has(line.id)) return `id ${line.id} is not unique`
    ids.add(line.id)
    lines.push({ id: line.id, request: line.request })
  }
  if (lines.length === 0) return 'the batch is empty'
  return lines.length > maxLines ? `the batch has more than ${maxLines} lines` : lines
}
