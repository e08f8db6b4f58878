import { Ledger, TaskError } from '#libs/kernel'
import type {
  AcceptResult,
  ClaimedTask,
  ClaimRoom,
  Deferral,
  FinishResult,
  InstantClaimer,
  KeptAnswer,
  NewTask,
  NextAttempt,
  OpenAttempt,
  OutboxMessage,
  Rejection,
  RunEnd,
  TaskProgress,
  TransitionResult,
} from '#libs/kernel'
import type { ModelLedger } from '../model/model-ledger.js'
import type { Faults } from './faults.js'
import type { ReplicaFate } from './replica.fate.js'

/**
 * The way from a replica to the ledger: it takes time, answers are lost, and while the ledger is away nothing gets there. As in the real
 * adapter, facts are offered until they are taken, and the rest is refused with `ledger_unavailable`.
 */
export class UnreliableLedger extends Ledger {
  constructor(
    private readonly model: ModelLedger,
    private readonly fate: ReplicaFate,
    private readonly faults: Faults,
  ) {
    super()
  }

  accept(task: NewTask): Promise<AcceptResult> {
    return this.ask(() => this.model.accept(task))
  }

  reject(rejections: readonly Rejection[]): Promise<OutboxMessage[]> {
    return this.ask(() => this.model.reject(rejections))
  }

  claim(room: ClaimRoom): Promise<ClaimedTask[]> {
    return this.ask(() => this.model.claim(room))
  }

  claimLate(limit: number): Promise<ClaimedTask[]> {
    return this.ask(() => this.model.claimLate(limit))
  }

  openAttempt(task: ClaimedTask, next: NextAttempt): Promise<OpenAttempt | null> {
    return this.ask(() => this.model.openAttempt(task, next))
  }

  recordAnswer(task: ClaimedTask, attempt: OpenAttempt, answer: KeptAnswer): Promise<void> {
    return this.insist(() => this.model.recordAnswer(task, attempt, answer))
  }

  finish(end: RunEnd): Promise<FinishResult> {
    return this.insist(() => this.model.finish(end))
  }

  defer(deferral: Deferral): Promise<TransitionResult> {
    return this.insist(() => this.model.defer(deferral))
  }

  hold(task: ClaimedTask, reason: string, progress?: TaskProgress): Promise<TransitionResult> {
    return this.insist(() => this.model.hold(task, reason, progress))
  }

  markPublished(outboxIds: readonly number[]): Promise<void> {
    return this.ask(() => this.model.markPublished(outboxIds))
  }

  takeUnpublished(olderThanMs: number, limit: number): Promise<OutboxMessage[]> {
    return this.ask(() => this.model.takeUnpublished(olderThanMs, limit))
  }

  postponePublishing(outboxId: number, delayMs: number): Promise<void> {
    return this.ask(() => this.model.postponePublishing(outboxId, delayMs))
  }

  get hasRoomForAnswers(): boolean {
    return this.model.hasRoomForAnswers
  }

  claimAtAccept(claimer: InstantClaimer): () => Promise<void> {
    return this.model.claimAtAccept(claimer)
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    await this.fate.pass()
    if (this.faults.isLedgerAway) throw TaskError.unavailable('ledger_unavailable', 'the ledger is away')
    this.model.loseAnswer = this.faults.happens('lostAnswer')
    const done = await work()
      .finally(() => (this.model.loseAnswer = false))
      .then(
        (value) => () => value,
        (error: unknown) => () => {
          throw error
        },
      )
    await this.fate.pass()
    return done()
  }

  private async insist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.fate.pass()
      if (!this.faults.isLedgerAway) break
    }
    this.model.loseAnswer = this.faults.happens('lostAnswer')
    const result = await work()
    await this.fate.pass()
    return result
  }
}
