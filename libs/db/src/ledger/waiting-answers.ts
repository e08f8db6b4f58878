import type { ReceivedAnswer } from './answer.statement.js'

/** A received answer that PostgreSQL has not taken yet. */
export interface WaitingAnswer {
  readonly received: ReceivedAnswer
  /** When it was received, on the monotonic clock. */
  readonly sinceMs: number
}

/** stored: committed. refused: PostgreSQL will never take it. abandoned: the service stopped before it could be stored. */
export type AnswerFate = 'stored' | 'refused' | 'abandoned'

interface WaitingOptions {
  /** Of answers' bodies. */
  readonly maxBytes: number
  readonly wasAbandoned: () => boolean
}

/**
 * The answers between their last byte and their commit: milliseconds as a rule, minutes while PostgreSQL is away. They wait in the order in
 * which they were received.
 *
 * Its bound is on sending, not on receiving: nothing is sent while it is reached, and the answers of calls that are under way are kept all
 * the same, since they are paid for. So it may be passed by as many answers as there are streams.
 */
export class WaitingAnswers {
  private readonly waiting = new Set<WaitingAnswer>()
  private failedAtMs = Number.NEGATIVE_INFINITY
  private bytes = 0
  private settled: (answer: WaitingAnswer, fate: AnswerFate) => void = () => {}

  constructor(private readonly options: WaitingOptions) {}

  get count(): number {
    return this.waiting.size
  }

  /** Of their bodies. */
  get sizeBytes(): number {
    return this.bytes
  }

  get hasRoom(): boolean {
    return this.bytes < this.options.maxBytes
  }

  /** true: an answer could not be stored and still waits. It goes before any new work. */
  get mustGoFirst(): boolean {
    const [oldest] = this.waiting
    return oldest !== undefined && oldest.sinceMs <= this.failedAtMs
  }

  noteFailure(): void {
    this.failedAtMs = performance.now()
  }

  /** Calls the one listener when an answer waits no more. */
  onSettled(listener: (answer: WaitingAnswer, fate: AnswerFate) => void): void {
    this.settled = listener
  }

  has(answer: WaitingAnswer): boolean {
    return this.waiting.has(answer)
  }

  /** Oldest first. */
  olderThan(ageMs: number): WaitingAnswer[] {
    const untilMs = performance.now() - ageMs
    const old: WaitingAnswer[] = []
    for (const answer of this.waiting) {
      if (answer.sinceMs > untilMs) break
      old.push(answer)
    }
    return old
  }

  /** Counts the answer until `store` has come to its end. */
  async hold(received: ReceivedAnswer, store: (received: ReceivedAnswer) => Promise<void>): Promise<void> {
    const answer = { received, sinceMs: performance.now() }
    this.waiting.add(answer)
    this.bytes += received.answer.body.length
    try {
      await store(received)
      this.release(answer, 'stored')
    } catch (error) {
      this.release(answer, this.options.wasAbandoned() ? 'abandoned' : 'refused')
      throw error
    }
  }

  private release(answer: WaitingAnswer, fate: AnswerFate): void {
    this.waiting.delete(answer)
    this.bytes -= answer.received.answer.body.length
    this.settled(answer, fate)
  }
}
