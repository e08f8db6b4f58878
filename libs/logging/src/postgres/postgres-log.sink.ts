import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { LogSink } from '../sinks/log-sink.js'
import { isDataError } from './log-line.statements.js'
import type { LogLineStore } from './log-line.store.js'

export interface PostgresLogOptions {
  /** Characters that may wait, those under way included; lines above that are dropped. */
  readonly maxWaiting: number
  /** Is told when PostgreSQL stops taking lines, and when it takes them again. */
  readonly onChange: (error: Error | undefined) => void
  readonly nowMs?: () => number
  readonly random?: () => number
}

const BATCH_LINES = 500
const BATCH_CHARACTERS = 1024 * 1024
/** For lines to come together. */
const GATHER_MS = 500
const MAINTAIN_EVERY_MS = 3_600_000
const RETRY = { firstMs: 500, maxMs: 30_000 }

/**
 * Log lines to PostgreSQL, off the way of everything else: it trades lines for memory, never work for lines.
 *
 * idle -> gathering (a line; up to half a second, or 500 lines) -> storing (one batch at a time; what comes meanwhile is the next) -> idle
 * storing -> away (any failure: the batch is offered again after 0.5 to 30 s, with jitter, under the same id, so that it is never there twice) -> storing
 * storing -> halving (PostgreSQL does not take the data of a line: the batch is cut in two until that line is alone, and dropped)
 * any -> closed: what waits gets one last try within the limit, the rest is dropped and counted
 *
 * Lines that find the buffer full are dropped: the newest ones, since the oldest tell how the trouble began.
 */
export class PostgresLogSink implements LogSink {
  readonly name = 'postgres'
  written = 0
  dropped = 0
  private waiting: string[] = []
  private waitingSize = 0
  private running: Promise<void> | undefined
  /** Ends the gathering, or the wait for PostgreSQL, before its time. */
  private endGathering: () => void = () => {}
  private endRest: () => void = () => {}
  private readonly closing = new AbortController()
  private maintainedAtMs = -Infinity
  private isAway = false

  constructor(
    private readonly store: LogLineStore,
    private readonly options: PostgresLogOptions,
  ) {}

  write(line: string): void {
    if (this.closing.signal.aborted || this.waitingSize + line.length > this.options.maxWaiting) {
      this.dropped++
      return
    }
    this.waiting.push(line)
    this.waitingSize += line.length
    this.running ??= this.run()
    if (this.waiting.length >= BATCH_LINES) this.endGathering()
  }

  async flush(limitMs: number): Promise<void> {
    const until = performance.now() + limitMs
    this.endGathering()
    this.endRest()
    while (this.waitingSize > 0 && performance.now() < until) await delay(10)
  }

  async close(limitMs: number): Promise<void> {
    if (this.closing.signal.aborted) return
    await this.flush(limitMs)
    this.closing.abort()
    this.endGathering()
    this.endRest()
    this.drop(this.waiting)
    this.waiting = []
    await this.store.close()
  }

  private async run(): Promise<void> {
    await this.gather()
    while (this.waiting.length > 0 && !this.closing.signal.aborted) {
      await this.deliver(this.takeBatch(), randomUUID())
      if (this.waiting.length < BATCH_LINES) await this.gather()
    }
    this.running = undefined
  }

  /** Until it is stored, dropped for its data, or the sink is closed. Never rejects. */
  private async deliver(lines: readonly string[], batch: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      if (this.closing.signal.aborted) return this.drop(lines)
      try {
        await this.maintain()
        await this.store.insert(batch, lines)
        this.written += lines.length
        this.free(lines)
        return this.tell(undefined)
      } catch (error) {
        if (isDataError(error)) return this.halve(lines)
        this.tell(error as Error)
        await this.rest(this.chooseDelay(attempt))
      }
    }
  }

  private async halve(lines: readonly string[]): Promise<void> {
    if (lines.length === 1) return this.drop(lines)
    const half = lines.length >> 1
    await this.deliver(lines.slice(0, half), randomUUID())
    await this.deliver(lines.slice(half), randomUUID())
  }

  private async maintain(): Promise<void> {
    const nowMs = (this.options.nowMs ?? Date.now)()
    if (nowMs - this.maintainedAtMs < MAINTAIN_EVERY_MS) return
    await this.store.maintain(nowMs)
    this.maintainedAtMs = nowMs
  }

  private takeBatch(): string[] {
    let end = 0
    let size = 0
    while (end < this.waiting.length && end < BATCH_LINES) {
      size += this.waiting[end]!.length
      if (end > 0 && size > BATCH_CHARACTERS) break
      end++
    }
    return this.waiting.splice(0, end)
  }

  private drop(lines: readonly string[]): void {
    this.dropped += lines.length
    this.free(lines)
  }

  private free(lines: readonly string[]): void {
    for (const { length } of lines) this.waitingSize -= length
  }

  private tell(error: Error | undefined): void {
    const isAway = error !== undefined
    if (isAway === this.isAway) return
    this.isAway = isAway
    this.options.onChange(error)
  }

  private chooseDelay(attempt: number): number {
    const full = Math.min(RETRY.maxMs, RETRY.firstMs * 2 ** Math.min(attempt - 1, 10))
    return full / 2 + ((this.options.random ?? Math.random)() * full) / 2
  }

  private gather(): Promise<void> {
    const { ended, end } = startTimer(GATHER_MS)
    this.endGathering = end
    return ended
  }

  private rest(ms: number): Promise<void> {
    const { ended, end } = startTimer(ms)
    this.endRest = end
    return ended
  }
}

/** One that keeps no process alive, and can be ended before its time. */
function startTimer(ms: number): { readonly ended: Promise<void>; readonly end: () => void } {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms).unref()
  return {
    ended,
    end: () => {
      clearTimeout(timer)
      resolve()
    },
  }
}
