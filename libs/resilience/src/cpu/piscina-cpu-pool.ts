import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { Piscina } from 'piscina'
import { TaskError } from '#libs/kernel'
import { CpuPool, type CpuJob, type CpuResult } from './cpu-pool.js'
import { cpuSettings, type CpuSettings } from './cpu.settings.js'
import { Permits } from './permits.js'

/** An idle thread ends after this long. */
const IDLE_TIMEOUT_MS = 30_000

/**
 * Threads by Piscina. No thread exists before the first job or after a quiet half minute.
 *
 * idle -> open (first job makes the pool) -> closing (shutdown: running and waiting jobs reject with `shutdown`, threads are ended)
 *
 * Jobs wait here and never inside Piscina, so that a job's time limit begins when a thread takes it. Whoever created this pool closes it.
 */
@Injectable()
export class PiscinaCpuPool extends CpuPool implements OnApplicationShutdown {
  /** Empty until the first job. */
  private pool: Piscina | undefined
  private readonly permits: Permits
  private readonly closing = new AbortController()

  constructor(@Inject(cpuSettings.KEY) private readonly settings: CpuSettings) {
    super()
    this.permits = new Permits(settings.threads)
  }

  override async run<I, O>(job: CpuJob<I, O>, input: I, signal?: AbortSignal): Promise<CpuResult<O>> {
    const stop = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal])
    await this.permits.acquire(stop)
    try {
      return await this.runOnThread(job, input, stop)
    } finally {
      this.permits.release()
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing.abort(new TaskError('shutdown', 'the service is stopping', { retryable: true }))
    const pool = this.pool
    this.pool = undefined
    await pool?.destroy()
  }

  private async runOnThread<I, O>(job: CpuJob<I, O>, input: I, stop: AbortSignal): Promise<CpuResult<O>> {
    const deadline = AbortSignal.timeout(job.timeoutMs)
    try {
      const value = (await this.open().run(input, {
        filename: job.file,
        name: job.name,
        ...(job.gives && { transferList: [...job.gives(input)] }),
        signal: AbortSignal.any([stop, deadline]),
      })) as O
      return { kind: 'done', value }
    } catch (error) {
      stop.throwIfAborted()
      if (deadline.aborted) return { kind: 'timed_out' }
      if (isOutOfMemory(error)) return { kind: 'out_of_memory' }
      throw error
    }
  }

  private open(): Piscina {
    this.pool ??= new Piscina({
      minThreads: 0,
      maxThreads: this.settings.threads,
      idleTimeout: IDLE_TIMEOUT_MS,
      resourceLimits: { maxOldGenerationSizeMb: this.settings.threadMemoryMb },
      // A job needs neither the secrets in the environment nor the flags of this process.
      env: {},
      execArgv: [],
    })
    return this.pool
  }
}

function isOutOfMemory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
}
