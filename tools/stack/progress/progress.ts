import type { WaitReporter } from '../cache/file.lock.js'

/** What a step of the start says about itself. A heartbeat is for steps that are long; a wait is for another process. */
export interface ProgressEvent {
  readonly title: string
  readonly step: string
  readonly phase: 'started' | 'heartbeat' | 'done' | 'failed'
  readonly elapsedMs: number
  /** What the step waits for, or how far it is. */
  readonly detail?: string
}

export type ProgressListener = (event: ProgressEvent) => void

export interface StepOptions {
  /** What it waits for, or how long it usually takes. */
  readonly hint?: string
  /** How far it is, for heartbeats. */
  readonly detail?: () => Promise<string>
}

export interface InstallProgress {
  step<T>(step: string, work: () => Promise<T>, options?: StepOptions): Promise<T>
  readonly reportWait: WaitReporter
}

const HEARTBEAT_MS = 15_000

/** Reports the steps of one part. */
export class PartProgress implements InstallProgress {
  constructor(
    private readonly title: string,
    private readonly listener: ProgressListener,
  ) {}

  async step<T>(step: string, work: () => Promise<T>, { hint, detail }: StepOptions = {}): Promise<T> {
    const startedAt = performance.now()
    const tell = (phase: ProgressEvent['phase'], text?: string) =>
      this.listener({ title: this.title, step, phase, elapsedMs: performance.now() - startedAt, ...(text ? { detail: text } : {}) })
    tell('started', hint)
    const heartbeat = setInterval(() => void (detail?.() ?? Promise.resolve(hint)).then((text) => tell('heartbeat', text)), HEARTBEAT_MS)
    try {
      const result = await work()
      tell('done')
      return result
    } catch (error) {
      tell('failed')
      throw error
    } finally {
      clearInterval(heartbeat)
    }
  }

  readonly reportWait: WaitReporter = ({ pid }, wait) => this.step('waiting', wait, { hint: `for process ${pid}, which is building it` })
}
