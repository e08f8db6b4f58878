import { Injectable } from '@nestjs/common'
import { TaskError } from '#libs/kernel'
import { CpuPool, defineCpuJob, type CpuJob } from '#libs/resilience'
import { digestBytes, digestText, type Digest, type TextBytes, type TextDigest } from './digest.worker.js'

/** Less is done here: a tenth of a millisecond of the event loop at most, which is what the way to another thread costs. */
const MIN_BYTES_ELSEWHERE = 64 * 1_024
const TIMEOUT_MS = 10_000

const textJob = defineCpuJob<TextBytes, TextDigest>({
  beside: import.meta.url,
  file: 'digest.worker',
  name: 'digestText',
  timeoutMs: TIMEOUT_MS,
  gives: ({ bytes }) => (ownsItsBuffer(bytes) ? [bytes.buffer as ArrayBuffer] : []),
})
const bytesJob = defineCpuJob<Uint8Array, Digest>({
  beside: import.meta.url,
  file: 'digest.worker',
  name: 'digestBytes',
  timeoutMs: TIMEOUT_MS,
})

/** Hashes and decodes: of a file of some megabytes on another thread, since everything else of the process would wait for tens of milliseconds. */
@Injectable()
export class Digester {
  constructor(private readonly cpu: CpuPool) {}

  /** The bytes may be another thread's afterwards. */
  async digestText(input: TextBytes, signal: AbortSignal): Promise<TextDigest> {
    return input.bytes.length < MIN_BYTES_ELSEWHERE ? digestText(input) : this.run(textJob, input, signal)
  }

  async digestBytes(bytes: Uint8Array, signal: AbortSignal): Promise<Digest> {
    return bytes.length < MIN_BYTES_ELSEWHERE ? digestBytes(bytes) : this.run(bytesJob, bytes, signal)
  }

  private async run<I, O>(job: CpuJob<I, O>, input: I, signal: AbortSignal): Promise<O> {
    const result = await this.cpu.run(job, input, signal)
    if (result.kind === 'done') return result.value
    const limit = result.kind === 'timed_out' ? `${TIMEOUT_MS} ms` : 'the memory of a thread (CPU_THREAD_MEMORY_MB)'
    throw TaskError.unavailable('internal', `the contents of an object could not be looked at within ${limit}`)
  }
}

/** A small Buffer is a part of one that many share. */
function ownsItsBuffer({ byteOffset, byteLength, buffer }: Uint8Array): boolean {
  return byteOffset === 0 && byteLength === buffer.byteLength
}
