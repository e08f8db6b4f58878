import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openStorage } from './open-storage.js'
import type { Part } from './part.js'

const FILE_BYTES = 5 * 1024 * 1024
const AT_ONCE = 4
const SECONDS = 15
const BAR_MS = 20
const KEY = 'inputs/file.txt'
const SIGNAL = new AbortController().signal

/** Everything else of a worker waits for the event loop: heartbeats, calls, commits. */
export const eventLoopPart: Part = {
  name: 'event-loop',
  bar: `p99 of the event loop's delay at most ${BAR_MS} ms while ${AT_ONCE} files of 5 MiB are read and hashed at once`,
  async measure(stack) {
    await using storage = await openStorage(stack, 'bench-event-loop')
    const { files, bucket } = storage
    await bucket.put(KEY, Buffer.alloc(FILE_BYTES, 'a line of text that is not too short, и немного кириллицы\n'))
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const until = performance.now() + SECONDS * 1_000
    let read = 0
    const readAll = async () => {
      while (performance.now() < until) {
        const { sizeBytes } = await files.readText({ key: KEY, allowedPrefixes: ['inputs/'], maxSizeBytes: FILE_BYTES }, SIGNAL)
        if (sizeBytes !== FILE_BYTES) throw new Error(`${sizeBytes} bytes came`)
        read++
      }
    }
    await files.readText({ key: KEY, allowedPrefixes: ['inputs/'], maxSizeBytes: FILE_BYTES }, SIGNAL)
    delay.enable()
    await Promise.all(Array.from({ length: AT_ONCE }, readAll))
    delay.disable()
    const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6) as [number, number, number]
    return {
      lines: [
        `${read} files (${((read * 5) / SECONDS).toFixed(0)} MiB/s): delay p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`,
      ],
      holds: p99 <= BAR_MS,
      figures: { files: read, p50_ms: p50, p99_ms: p99, max_ms: max },
    }
  },
}
