import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { GigaChatRequests } from './gigachat.requests.js'
import { readReply } from './read-reply.js'

const file = z.looseObject({
  id: z.string(),
  bytes: z.number(),
  created_at: z.number(),
  filename: z.string(),
  purpose: z.string(),
})
const files = z.object({ data: z.array(file) })
const deleted = z.object({ id: z.string(), deleted: z.boolean() })

export type GigaChatFile = z.infer<typeof file>

export interface FileUpload {
  readonly name: string
  readonly mediaType: string
  readonly content: Buffer
}

/** Files at GigaChat. Every method is one request and throws TaskError. */
export class GigaChatFiles {
  constructor(private readonly requests: GigaChatRequests) {}

  async upload(upload: FileUpload, signal: AbortSignal): Promise<GigaChatFile> {
    const boundary = `sluice-${randomUUID()}`
    const request = {
      method: 'POST',
      path: '/files',
      body: makeMultipart(upload, boundary),
      contentType: `multipart/form-data; boundary=${boundary}`,
    } as const
    return readReply(file, await this.requests.json(request, signal))
  }

  async list(signal: AbortSignal): Promise<GigaChatFile[]> {
    return readReply(files, await this.requests.json({ method: 'GET', path: '/files' }, signal)).data
  }

  async get(id: string, signal: AbortSignal): Promise<GigaChatFile> {
    return readReply(file, await this.requests.json({ method: 'GET', path: `/files/${encodeURIComponent(id)}` }, signal))
  }

  /** At most LLM_MAX_ANSWER_BYTES. */
  content(id: string, signal: AbortSignal): Promise<Buffer> {
    const path = `/files/${encodeURIComponent(id)}/content`
    return this.requests.bytes({ method: 'GET', path, accept: 'application/octet-stream' }, signal)
  }

  async delete(id: string, signal: AbortSignal): Promise<boolean> {
    const path = `/files/${encodeURIComponent(id)}/delete`
    return readReply(deleted, await this.requests.json({ method: 'POST', path }, signal)).deleted
  }
}

/** As browsers write it: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function makeMultipart({ name, mediaType, content }: FileUpload, boundary: string): Buffer {
  const filename = name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ngeneral\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: ${mediaType}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)])
}
