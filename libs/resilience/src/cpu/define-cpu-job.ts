import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CpuJob } from './cpu-pool.js'

interface CpuJobOptions<I> extends Pick<CpuJob<I, unknown>, 'gives'> {
  /** `import.meta.url` of the file that lies beside the worker file. */
  readonly beside: string
  /** The worker file without its extension. */
  readonly file: string
  readonly name: string
  readonly timeoutMs: number
}

/**
 * Names a function of a worker file. The file runs both as compiled JavaScript and as TypeScript whose types Node strips, so it may import
 * packages and `node:` modules by name and types from anywhere, but no other file.
 */
export function defineCpuJob<I, O>({ beside, file, name, timeoutMs, gives }: CpuJobOptions<I>): CpuJob<I, O> {
  const source = new URL(beside)
  return { file: fileURLToPath(new URL(`./${file}${extname(source.pathname)}`, source)), name, timeoutMs, ...(gives && { gives }) }
}
