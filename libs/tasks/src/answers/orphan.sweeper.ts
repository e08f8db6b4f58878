import { Inject, Injectable, Logger } from '@nestjs/common'
import { FileStore, UnusedAnswers, type UnusedAnswer } from '#libs/kernel'
import { runSettings, type RunSettings } from '../run/run.settings.js'
import { makeAnswerName } from './answer-name.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** The first look goes back to what ended while no worker ran. */
const FIRST_WITHIN_MS = 25 * HOUR_MS
/** Twice the interval: a worker that had lost its task may have written its object after the last look. */
const WITHIN_MS = 2 * HOUR_MS
const PAGE = 500

/**
 * Removes objects of answers that no result names: written by a worker that died before it could finish the run, or that had lost it, when
 * the run has failed since. Their answers stay in the ledger. Each hour, on every replica: removing an object twice is harmless.
 */
@Injectable()
export class OrphanSweeper {
  private readonly logger = new Logger(OrphanSweeper.name)
  private readonly stopping = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private sweeping: Promise<void> = Promise.resolve()

  constructor(
    private readonly answers: UnusedAnswers,
    private readonly files: FileStore,
    @Inject(runSettings.KEY) private readonly settings: RunSettings,
  ) {}

  start(): void {
    this.wait(Math.random() * MINUTE_MS, FIRST_WITHIN_MS)
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    clearTimeout(this.timer)
    await this.sweeping
  }

  private wait(delayMs: number, withinMs: number): void {
    if (this.stopping.signal.aborted) return
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep(withinMs).then(
        () => this.wait(HOUR_MS, WITHIN_MS),
        (error: unknown) => {
          if (!this.stopping.signal.aborted) this.logger.warn('objects of failed runs could not be looked for', { error })
          // What this look has missed is the next one's.
          this.wait(MINUTE_MS, withinMs)
        },
      )
    }, delayMs)
  }

  private async sweep(withinMs: number): Promise<void> {
    let page: UnusedAnswer[] = []
    let removed = 0
    do {
      page = await this.answers.list({ withinMs, minBytes: this.settings.inlineAnswerBytes, after: page.at(-1), limit: PAGE })
      for (const answer of page) if (await this.files.removeAnswer(makeAnswerName(answer), this.stopping.signal)) removed++
    } while (page.length === PAGE && !this.stopping.signal.aborted)
    if (removed > 0) this.logger.log('objects of failed runs were removed', { removed })
  }
}
