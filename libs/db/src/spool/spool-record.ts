import { hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import type { ReceivedAnswer } from '../ledger/answer.statement.js'

/**
 * One answer in a spool file, numbers big-endian:
 *
 *     length    4 bytes   of the payload
 *     check     4 bytes   CRC-32 of these four: a broken length must not be taken for a torn end
 *     digest   32 bytes   SHA-256 of the payload
 *     payload             version (2 bytes), length of the header (4 bytes), header (JSON), the answer's body as it came
 */
const PREFIX_BYTES = 40
const FIXED_PAYLOAD_BYTES = 6
const VERSION = 1

const headerSchema = z.object({
  accepted_on: z.iso.date(),
  task_number: z.int(),
  run: z.int(),
  attempt_id: z.uuid(),
  attempt: z.int(),
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  duration_ms: z.number(),
  prompt_version: z.string().optional(),
})

/**
 * torn: the file ends inside a record, as when its writer died. corrupt: the bytes are not those that were written, or those of another
 * version; what follows is read as long as the length can be trusted.
 */
export type SpoolRecord =
  | { readonly kind: 'answer'; readonly received: ReceivedAnswer }
  | { readonly kind: 'torn'; readonly offset: number }
  | { readonly kind: 'corrupt'; readonly offset: number; readonly problem: string }

export function encodeSpoolRecord({ task, attempt, answer }: ReceivedAnswer): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      accepted_on: task.acceptedOn,
      task_number: task.id,
      run: task.run,
      attempt_id: attempt.id,
      attempt: attempt.number,
      status: answer.status,
      headers: answer.headers,
      duration_ms: answer.durationMs,
      prompt_version: answer.promptVersion,
    } satisfies z.input<typeof headerSchema>),
  )
  const fixed = Buffer.alloc(FIXED_PAYLOAD_BYTES)
  fixed.writeUInt16BE(VERSION, 0)
  fixed.writeUInt32BE(header.length, 2)
  const payload = Buffer.concat([fixed, header, answer.body])
  const length = Buffer.alloc(8)
  length.writeUInt32BE(payload.length, 0)
  length.writeUInt32BE(crc32(length.subarray(0, 4)), 4)
  return Buffer.concat([length, hash('sha256', payload, 'buffer'), payload])
}

/** One record in memory at a time. A torn one, or one with a broken length, is the last. */
export async function* readSpoolRecords(file: FileHandle): AsyncGenerator<SpoolRecord> {
  const { size } = await file.stat()
  for (let offset = 0; offset < size;) {
    if (size - offset < PREFIX_BYTES) return yield { kind: 'torn', offset }
    const prefix = await readBytes(file, offset, PREFIX_BYTES)
    if (crc32(prefix.subarray(0, 4)) !== prefix.readUInt32BE(4)) return yield { kind: 'corrupt', offset, problem: 'its length is broken' }
    const length = prefix.readUInt32BE(0)
    if (size - offset - PREFIX_BYTES < length) return yield { kind: 'torn', offset }
    const payload = await readBytes(file, offset + PREFIX_BYTES, length)
    yield decodePayload(payload, prefix.subarray(8), offset)
    offset += PREFIX_BYTES + length
  }
}

function decodePayload(payload: Buffer, digest: Buffer, offset: number): SpoolRecord {
  const corrupt = (problem: string): SpoolRecord => ({ kind: 'corrupt', offset, problem })
  if (!hash('sha256', payload, 'buffer').equals(digest)) return corrupt('its digest does not match')
  const version = payload.length < FIXED_PAYLOAD_BYTES ? 0 : payload.readUInt16BE(0)
  if (version !== VERSION) return corrupt(`it has version ${version}, and this service reads ${VERSION}`)
  const bodyAt = FIXED_PAYLOAD_BYTES + payload.readUInt32BE(2)
  const header = parseHeader(payload.toString('utf8', FIXED_PAYLOAD_BYTES, bodyAt))
  return header ? { kind: 'answer', received: makeReceived(header, payload.subarray(bodyAt)) } : corrupt('its header cannot be read')
}

function parseHeader(text: string): z.output<typeof headerSchema> | undefined {
  try {
    return headerSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function makeReceived(header: z.output<typeof headerSchema>, body: Buffer): ReceivedAnswer {
  const { status, headers, duration_ms: durationMs, prompt_version: promptVersion } = header
  return {
    task: { id: header.task_number, acceptedOn: header.accepted_on, run: header.run },
    attempt: { id: header.attempt_id, number: header.attempt },
    answer: { status, headers, body, durationMs, ...(promptVersion !== undefined && { promptVersion }) },
  }
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) throw new Error('the file became shorter while it was read')
    done += bytesRead
  }
  return bytes
}
