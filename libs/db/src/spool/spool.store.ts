import { classifyError } from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { findAttempts, recordAnswers, type ReceivedAnswer } from '../ledger/answer.statement.js'

export interface StoredCounts {
  readonly stored: number
  readonly unknown: number
  readonly refused: number
}

/**
 * Stores answers of a dead process, unfenced: the first answer of an attempt stays, and the attempt may be `maybe_paid` by now. Only those of
 * attempts that this ledger knows: the file may come from another one.
 */
export class SpoolStore {
  constructor(private readonly pool: HotPool) {}

  /** Throws TaskError `ledger_unavailable`; then all of it may be stored again. */
  async store(received: readonly ReceivedAnswer[]): Promise<StoredCounts> {
    const counts = { stored: 0, unknown: 0, refused: 0 }
    for (const [day, answers] of Map.groupBy(received, ({ task }) => task.acceptedOn)) {
      const ids = await findAttempts(this.pool, day, answers)
      const known = answers.filter(({ attempt }) => ids.has(attempt.id))
      const refused = known.length === 0 ? 0 : await this.record(day, known)
      counts.unknown += answers.length - known.length
      counts.refused += refused
      counts.stored += known.length - refused
    }
    return counts
  }

  /** Returns how many were refused: one that is must not take those beside it along. */
  private async record(day: string, answers: readonly ReceivedAnswer[]): Promise<number> {
    try {
      await recordAnswers(this.pool, day, answers)
      return 0
    } catch (error) {
      if (classifyError(error).code === 'ledger_unavailable') throw error
      if (answers.length === 1) return 1
    }
    let refused = 0
    for (const answer of answers) refused += await this.record(day, [answer])
    return refused
  }
}
