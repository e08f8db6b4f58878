import { classifyError, GroupCommit, Ledger, TaskError, type WorkerLease } from '#libs/kernel'
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
import { isRefusedByBreaker, type PortPolicy } from '#libs/resilience'
import { isPartitionMissing } from '../connection/database.error.js'
import type { HotPool } from '../connection/hot-pool.js'
import { acceptTasks, type Accepted, type InstantRoom } from './accept.statements.js'
import { recordAnswers, type ReceivedAnswer } from './answer.statement.js'
import { openAttempt } from './attempt.statements.js'
import { inLedgerSpan } from './ledger-span.js'
import { claimLateTasks, claimTasks } from './claim.statement.js'
import type { DueTasks } from './due-tasks.js'
import { finishRuns } from './finish.statements.js'
import { markPublished, postponePublishing, rejectDeliveries, takeUnpublished } from './outbox.statements.js'
import { putBackTasks, type PutBack } from './put-back.statements.js'
import { releaseUnknown } from './recover.statement.js'
import { WaitingAnswers } from './waiting-answers.js'

export interface LedgerOptions {
  readonly batchSize: number
  /** How long PostgreSQL may still work on a statement whose answer was lost. */
  readonly statementTimeoutMs: number
  /** What has happened must be written down, however long PostgreSQL is away: a policy without an end. */
  readonly persistence: PortPolicy
  /** Bytes of received answers that wait to be stored, from which on nothing more may be sent. */
  readonly waitingAnswersBytes: number
}

/** A claim whose answer was lost: PostgreSQL may commit it later. */
interface LostClaim {
  readonly leaseId: number
  /** PostgreSQL may still be at work on it: each claim looks first. Afterwards it may only come late, out of a network or a server that stood still. */
  readonly isRecent: boolean
  readonly recentUntilMs: number
  readonly nextLookMs: number
}

/** Bytes of payloads, answers or events in one statement. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024

/**
 * The ledger on PostgreSQL. Every kind of statement has a group commit of its own: what waits while the last one runs is the next batch.
 * `accept` runs one batch at a time, so that tasks enter in the order in which they were offered.
 *
 * Answers, ends and deferrals are offered again until PostgreSQL takes them: they are facts, and the task stays ours meanwhile. Accepting
 * and claiming are only tried once; their transports wait and ask again. An open breaker makes facts wait and drops none.
 *
 * It remembers which claims it holds. After one whose answer was lost PostgreSQL may say that we hold more: those are released before the
 * next claim, and looked for again and again under the same lease, else they would stay `running` for as long as this replica lives.
 *
 * Answers that PostgreSQL would not take go before new work: until they are stored nothing is claimed, and once too many wait nothing is sent.
 */
export class PostgresLedger extends Ledger {
  private readonly held = new Map<number, Pick<ClaimedTask, 'leaseId' | 'claim'>>()
  private claimer: InstantClaimer | undefined
  /** At most one: `accept` runs one batch at a time. */
  private claimingAccept: Promise<unknown> = Promise.resolve()
  private lastClaim: Promise<unknown> = Promise.resolve()
  private lostClaim: LostClaim | undefined
  /** Nothing is claimed meanwhile: it would be taken for unknown. */
  private isRecovering = false
  private readonly stopping = new AbortController()
  readonly waitingAnswers: WaitingAnswers

  private readonly accepting: GroupCommit<NewTask, AcceptResult>
  private readonly answering: GroupCommit<ReceivedAnswer, void>
  private readonly finishing: GroupCommit<RunEnd, FinishResult>
  private readonly puttingBack: GroupCommit<PutBack, TransitionResult>

  constructor(
    private readonly pool: HotPool,
    private readonly lease: WorkerLease,
    private readonly due: DueTasks,
    private readonly options: LedgerOptions,
  ) {
    super()
    const { batchSize, waitingAnswersBytes } = options
    this.waitingAnswers = new WaitingAnswers({ maxBytes: waitingAnswersBytes, wasAbandoned: () => this.stopping.signal.aborted })
    const limits = { maxItems: batchSize, maxSizeBytes: MAX_BATCH_BYTES, isBadItem }
    this.accepting = new GroupCommit({
      ...limits,
      keepsOrder: true,
      sizeOf: (task) => task.payload.length,
      commit: (tasks) => this.acceptBatch(tasks),
    })
    this.answering = new GroupCommit({
      ...limits,
      sizeOf: ({ answer }) => answer.body.length,
      commit: (received) =>
        inGroups(
          received,
          ({ task }) => task.acceptedOn,
          (group, day) => this.persist(() => this.record(day, group)),
        ),
    })
    this.finishing = new GroupCommit({
      ...limits,
      sizeOf: ({ sizeBytes }) => sizeBytes,
      commit: (ends) =>
        inGroups(
          ends,
          ({ task }) => dayAndLease(task),
          (group) => this.persist(() => finishRuns(pool, group)),
        ),
    })
    this.puttingBack = new GroupCommit({
      ...limits,
      commit: (items) =>
        inGroups(
          items,
          ({ task }) => dayAndLease(task),
          (group) => this.persist(() => putBackTasks(pool, group)),
        ),
    })
  }

  accept(task: NewTask): Promise<AcceptResult> {
    return inLedgerSpan('accept', () => this.accepting.add(task))
  }

  reject(rejections: readonly Rejection[]): Promise<OutboxMessage[]> {
    return rejectDeliveries(this.pool, rejections)
  }

  claim(room: ClaimRoom): Promise<ClaimedTask[]> {
    return this.claimBy((fence) => claimTasks(this.pool, fence, room))
  }

  claimLate(limit: number): Promise<ClaimedTask[]> {
    return this.claimBy((fence) => claimLateTasks(this.pool, fence, limit))
  }

  /** One after the other: the recovery before one would take for unknown what another has just claimed. */
  private claimBy(take: (fence: number) => Promise<ClaimedTask[]>): Promise<ClaimedTask[]> {
    const claimed = this.lastClaim.then(() => this.claimNow(take))
    this.lastClaim = claimed.catch(() => {})
    return claimed
  }

  private async claimNow(take: (fence: number) => Promise<ClaimedTask[]>): Promise<ClaimedTask[]> {
    const { fence } = this.lease
    if (fence === null) return []
    if (this.waitingAnswers.mustGoFirst) throw TaskError.unavailable('ledger_unavailable', 'answers that wait to be stored go first')
    if (this.lostClaim && this.lostClaim.nextLookMs <= performance.now()) await this.recover(fence, this.lostClaim)
    try {
      const tasks = await take(fence)
      tasks.forEach((task) => this.remember(task))
      return tasks
    } catch (error) {
      this.noteLostClaim(fence, error)
      throw error
    }
  }

  claimAtAccept(claimer: InstantClaimer): () => Promise<void> {
    this.claimer = claimer
    return async () => {
      this.claimer = undefined
      await this.claimingAccept
    }
  }

  async openAttempt(task: ClaimedTask, next: NextAttempt): Promise<OpenAttempt | null> {
    const attempt = await inLedgerSpan('open_attempt', () => openAttempt(this.pool, task, next))
    if (!attempt) this.forget(task)
    return attempt
  }

  get hasRoomForAnswers(): boolean {
    return this.waitingAnswers.hasRoom
  }

  recordAnswer(task: ClaimedTask, attempt: OpenAttempt, answer: KeptAnswer): Promise<void> {
    return inLedgerSpan('record_answer', () =>
      this.waitingAnswers.hold({ task, attempt, answer }, (received) => this.answering.add(received)),
    )
  }

  async finish(end: RunEnd): Promise<FinishResult> {
    const result = await inLedgerSpan('finish', () => this.finishing.add(end))
    this.forget(end.task)
    // The end of a task may have made the next one of its key the head.
    if (end.task.orderingKey) this.due.announceHere([end.task])
    return result
  }

  async defer({ task, delayMs, reason, deferralClass, countsAttempt, ...progress }: Deferral): Promise<TransitionResult> {
    const putBack: PutBack = {
      task,
      state: 'pending',
      delayMs,
      reason,
      deferralClass,
      attemptsDelta: countAttempt(progress.attemptEnd !== undefined, countsAttempt),
      ...progress,
    }
    const result = await inLedgerSpan('defer', () => this.puttingBack.add(putBack))
    this.forget(task)
    if (delayMs <= 0) this.due.announce([task])
    return result
  }

  async hold(task: ClaimedTask, reason: string, progress: TaskProgress = {}): Promise<TransitionResult> {
    const putBack: PutBack = { task, state: 'held', delayMs: 0, reason, deferralClass: null, attemptsDelta: 0, ...progress }
    const result = await inLedgerSpan('hold', () => this.puttingBack.add(putBack))
    this.forget(task)
    return result
  }

  async markPublished(outboxIds: readonly number[]): Promise<void> {
    await markPublished(this.pool, outboxIds)
  }

  takeUnpublished(olderThanMs: number, limit: number): Promise<OutboxMessage[]> {
    return takeUnpublished(this.pool, olderThanMs, limit)
  }

  async postponePublishing(outboxId: number, delayMs: number): Promise<void> {
    await postponePublishing(this.pool, outboxId, delayMs)
  }

  /** Ends all waiting for PostgreSQL. What is not stored by then is another replica's to find out. */
  stop(): void {
    this.stopping.abort(new TaskError('shutdown', 'the service stopped while PostgreSQL was away', { retryable: true }))
  }

  private persist<T>(work: () => Promise<T>): Promise<T> {
    return this.options.persistence.execute(work, this.stopping.signal)
  }

  private async acceptBatch(tasks: readonly NewTask[]): Promise<AcceptResult[]> {
    const { results, claimed } = await this.acceptAndClaim(tasks)
    const accepted = tasks.filter((_, index) => results[index] === 'accepted')
    if (accepted.length > claimed.length) this.due.announce(accepted)
    return results
  }

  private acceptAndClaim(tasks: readonly NewTask[]): Promise<Accepted> {
    const { claimer } = this
    const leaseId = this.lease.fence
    // After a claim whose answer was lost, nothing is claimed before it is known what we hold.
    const mayClaim = this.lostClaim?.isRecent !== true && !this.isRecovering && !this.waitingAnswers.mustGoFirst
    if (!claimer || leaseId === null || !mayClaim) return acceptTasks(this.pool, tasks)
    const room = claimer.takeRoomFor(tasks.filter(({ orderingKey, hasFiles }) => orderingKey === null && !hasFiles))
    if (room.tasks === 0) return acceptTasks(this.pool, tasks)
    const claiming = this.acceptFor(claimer, tasks, { leaseId, room })
    this.claimingAccept = claiming.catch(() => {})
    return claiming
  }

  private async acceptFor(claimer: InstantClaimer, tasks: readonly NewTask[], room: InstantRoom): Promise<Accepted> {
    let claimed: readonly ClaimedTask[] | undefined
    try {
      const accepted = await acceptTasks(this.pool, tasks, room)
      claimed = accepted.claimed
      claimed.forEach((task) => this.remember(task))
      return accepted
    } catch (error) {
      this.noteLostClaim(room.leaseId, error)
      throw error
    } finally {
      claimer.start(room.room, claimed)
    }
  }

  /** A statement that the breaker has kept back was not sent, so nothing of it can be committed. */
  private noteLostClaim(leaseId: number, error: unknown): void {
    if (isRefusedByBreaker(error)) return
    const nowMs = performance.now()
    this.lostClaim = { leaseId, isRecent: true, recentUntilMs: nowMs + this.options.statementTimeoutMs, nextLookMs: nowMs }
  }

  private remember({ id, leaseId, claim }: ClaimedTask): void {
    this.held.set(id, { leaseId, claim })
  }

  private forget(task: ClaimedTask): void {
    const held = this.held.get(task.id)
    if (held?.leaseId === task.leaseId && held.claim === task.claim) this.held.delete(task.id)
  }

  private async recover(fence: number, lost: LostClaim): Promise<void> {
    if (lost.leaseId !== fence) {
      // What is committed under a lease that has ended is freed with it.
      if (this.lostClaim === lost) this.lostClaim = undefined
      return
    }
    this.isRecovering = true
    try {
      await this.claimingAccept
      const askedMs = performance.now()
      const held = [...this.held].flatMap(([id, { leaseId, claim }]) => (leaseId === fence ? [{ id, claim }] : []))
      await releaseUnknown(this.pool, fence, held)
      if (this.lostClaim !== lost || askedMs < lost.recentUntilMs) return
      this.lostClaim = { ...lost, isRecent: false, nextLookMs: askedMs + this.options.statementTimeoutMs }
    } finally {
      this.isRecovering = false
    }
  }

  private async record(acceptedOn: string, received: readonly ReceivedAnswer[]): Promise<void[]> {
    try {
      await recordAnswers(this.pool, acceptedOn, received)
    } catch (error) {
      // Its task was accepted on that day, so there was a partition: retention has dropped it, long after the task has ended elsewhere.
      if (isPartitionMissing(error))
        throw new TaskError('internal', `retention has removed all tasks of ${acceptedOn}`, { retryable: false, cause: error })
      this.waitingAnswers.noteFailure()
      throw error
    }
    return repeat(undefined, received.length)
  }
}

/** An open attempt was counted when it was opened; where none was open, there is nothing to take back. */
function countAttempt(wasOpen: boolean, counts: boolean): -1 | 0 | 1 {
  if (wasOpen) return counts ? 0 : -1
  return counts ? 1 : 0
}

/** Anything but PostgreSQL being away is about one row: it must not take the rows beside it along. */
function isBadItem(error: unknown): boolean {
  return !classifyError(error).retryable || classifyError(error).code === 'internal'
}

function dayAndLease(task: ClaimedTask): string {
  return `${task.acceptedOn} ${task.leaseId}`
}

function repeat<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value)
}

/** Commits items group by group, nearly always one. A group that fails must not undo the answers of the others, so each item is told its own. */
async function inGroups<T, R>(
  items: readonly T[],
  keyOf: (item: T) => string,
  commit: (group: readonly T[], key: string) => Promise<readonly R[]>,
): Promise<R[]> {
  const groups = Map.groupBy(items, keyOf)
  if (groups.size === 1) return [...(await commit(items, keyOf(items[0]!)))]
  const results = new Map<T, R>()
  for (const [key, group] of groups) {
    const answers = await commit(group, key)
    group.forEach((item, index) => results.set(item, answers[index] as R))
  }
  return items.map((item) => {
    if (!results.has(item)) throw new TaskError('internal', 'a group commit left an item without an answer', { retryable: true })
    return results.get(item) as R
  })
}
