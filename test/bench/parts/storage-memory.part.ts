import { createHash } from 'node:crypto'
import { openStorage } from './open-storage.js'
import type { Part } from './part.js'

const FILE_BYTES = 5 * 1024 * 1024
const TOTAL_BYTES = 1024 * 1024 * 1024
const MEBIBYTE = 1024 * 1024
const BAR_MIB = 64
const WARM_UP = 20
const SAMPLE_MS = 10
const KEY = 'inputs/file.txt'
const SIGNAL = new AbortController().signal

/** 1 GiB in files of the largest size that a task may name, one after the other, there and back. */
export const storageMemoryPart: Part = {
  name: 'storage-memory',
  bar: `1 GiB written to S3 and read back, in files of 5 MiB, in at most ${BAR_MIB} MiB more memory than before`,
  async measure(stack) {
    await using storage = await openStorage(stack, 'bench-memory')
    const { files, bucket } = storage
    const text = Buffer.alloc(FILE_BYTES, 'a line of text that is not too short\n')
    await bucket.put(KEY, text)
    const expected = createHash('sha256').update(text).digest('hex')
    const move = async (index: number) => {
      const written = await files.putAnswer(`file-${index}.txt`, text, SIGNAL)
      const read = await files.readText({ key: KEY, allowedPrefixes: ['inputs/'], maxSizeBytes: FILE_BYTES }, SIGNAL)
      if (written.sha256 !== expected || read.sha256 !== expected) throw new Error('what came back is not what was written')
    }
    for (let index = 0; index < WARM_UP; index++) await move(index)
    const before = process.memoryUsage.rss()
    let peak = before
    const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS)
    const startedMs = performance.now()
    for (let index = 0; index * FILE_BYTES < TOTAL_BYTES; index++) await move(index)
    clearInterval(sampler)
    const seconds = (performance.now() - startedMs) / 1_000
    const grownMib = (peak - before) / MEBIBYTE
    return {
      lines: [
        `${(before / MEBIBYTE).toFixed(0)} MiB before, at most ${grownMib.toFixed(1)} MiB more; ${(TOTAL_BYTES / MEBIBYTE / seconds).toFixed(0)} MiB/s each way`,
      ],
      holds: grownMib <= BAR_MIB,
      figures: { before_mib: before / MEBIBYTE, grown_mib: grownMib, seconds },
    }
  },
}
