import { Ledger, TaskError, type Clock } from '#libs/kernel'
import type {
  AcceptResult,
  ClaimedTask,
  ClaimRoom,
  Deferral,
  FinishResult,
  InstantClaimer,
  KeptAnswer,
  Lane,
  NewTask,
  NextAttempt,
  OpenAttempt,
  OutboxMessage,
  Rejection,
  RunEnd,
  TaskProgress,
  TransitionResult,
  WorkerLease,
} from '#libs/kernel'
import { recogniseTasks, storeTasks } from './model.accept.js'
import { claimDue, claimLate, openNext } from './model.claim.js'
import { releaseUnknown } from './model.leases.js'
import { storeRejections, takeOld } from './model.outbox.js'
import type { ModelTables } from './model.tables.js'
import { finishRun, putBack, storeAnswer, type ModelPutBack } from './model.transitions.js'

interface Offered {
  readonly task: NewTask
  readonly result: PromiseWithResolvers<AcceptResult>
}

/**
 * One replica's side of a ledger that is nothing but collections in memory: the rules of the port, said plainly, for tests to compare the
 * real ledger with and to run the core on. All that is offered to `accept` in one turn is one batch.
 *
 * `loseAnswer` makes the next operation happen without its caller being told: facts (answers, ends, what is put back) are then offered
 * again, as the port's retries do; of the others the caller hears `ledger_unavailable`.
 */
export class ModelLedger extends Ledger {
  loseAnswer = false
  private offered: Offered[] = []
  private claimer: InstantClaimer | undefined
  private lostClaim: { readonly leaseId: number; readonly isRecent: boolean } | undefined
  private readonly held = new Map<number, ClaimedTask>()
  private readonly listeners = new Set<(lanes?: readonly Lane[]) => void>()

  constructor(
    private readonly tables: ModelTables,
    private readonly lease: Pick<WorkerLease, 'fence'>,
    private readonly clock: Pick<Clock, 'nowMs'>,
  ) {
    super()
  }

  accept(task: NewTask): Promise<AcceptResult> {
    const result = Promise.withResolvers<AcceptResult>()
    if (this.offered.push({ task, result }) === 1) queueMicrotask(() => this.acceptBatch(this.offered.splice(0)))
    return result.promise
  }

  async reject(rejections: readonly Rejection[]): Promise<OutboxMessage[]> {
    return this.once(() => storeRejections(this.tables, rejections, this.clock.nowMs()))
  }

  async claim(room: ClaimRoom): Promise<ClaimedTask[]> {
    return this.claimBy((fence, nowMs) => claimDue(this.tables, fence, room, nowMs))
  }

  async claimLate(limit: number): Promise<ClaimedTask[]> {
    return this.claimBy((fence, nowMs) => claimLate(this.tables, fence, limit, nowMs))
  }

  private claimBy(take: (fence: number, nowMs: number) => ClaimedTask[]): ClaimedTask[] {
    const { fence } = this.lease
    if (fence === null) return []
    this.recover(fence)
    return this.claiming(fence, () => take(fence, this.clock.nowMs()))
  }

  async openAttempt(task: ClaimedTask, next: NextAttempt): Promise<OpenAttempt | null> {
    const attempt = this.once(() => openNext(this.tables, task, next, this.clock.nowMs()))
    if (!attempt) this.forget(task)
    return attempt
  }

  async recordAnswer(task: ClaimedTask, attempt: OpenAttempt, answer: KeptAnswer): Promise<void> {
    this.persist(() => storeAnswer(this.tables, task, attempt, answer))
  }

  async finish(end: RunEnd): Promise<FinishResult> {
    const result = this.persist(() => finishRun(this.tables, end, this.clock.nowMs()))
    this.forget(end.task)
    if (end.task.orderingKey) this.announce([end.task])
    return result
  }

  async defer({ task, delayMs, reason, deferralClass, countsAttempt, ...progress }: Deferral): Promise<TransitionResult> {
    const attemptsDelta = Number(countsAttempt) - Number(progress.attemptEnd !== undefined)
    const runAtMs = this.clock.nowMs() + delayMs
    const result = this.putBack({ task, state: 'pending', runAtMs, reason, deferralClass, attemptsDelta, ...progress })
    if (delayMs <= 0) this.announce([task])
    return result
  }

  async hold(task: ClaimedTask, reason: string, progress: TaskProgress = {}): Promise<TransitionResult> {
    return this.putBack({ task, state: 'held', runAtMs: this.clock.nowMs(), reason, deferralClass: null, attemptsDelta: 0, ...progress })
  }

  async markPublished(outboxIds: readonly number[]): Promise<void> {
    this.once(() => (this.tables.outbox = this.tables.outbox.filter(({ id }) => !outboxIds.includes(id))))
  }

  async takeUnpublished(olderThanMs: number, limit: number): Promise<OutboxMessage[]> {
    return this.once(() => takeOld(this.tables, olderThanMs, limit, this.clock.nowMs()))
  }

  async postponePublishing(outboxId: number, delayMs: number): Promise<void> {
    const message = this.tables.outbox.find(({ id }) => id === outboxId)
    if (message) message.createdAtMs = this.clock.nowMs() + delayMs
  }

  /** It keeps any number of answers. */
  get hasRoomForAnswers(): boolean {
    return true
  }

  claimAtAccept(claimer: InstantClaimer): () => Promise<void> {
    this.claimer = claimer
    return async () => {
      this.claimer = undefined
    }
  }

  /** Tells when tasks may have become due: AdmissionStore's. */
  onDue(listener: (lanes?: readonly Lane[]) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** What another replica tells, too. */
  announce(lanes?: readonly Lane[]): void {
    this.listeners.forEach((listener) => listener(lanes))
  }

  private acceptBatch(offered: readonly Offered[]): void {
    try {
      const tasks = offered.map(({ task }) => task)
      const { fresh, claimed } = this.storeAndClaim(tasks)
      const results = new Map<NewTask, AcceptResult>([...fresh].map((task) => [task, 'accepted']))
      const known = tasks.filter((task) => !fresh.has(task))
      recogniseTasks(this.tables, known, this.clock.nowMs()).forEach((result, index) => results.set(known[index]!, result))
      if (fresh.size > claimed.length) this.announce([...fresh])
      offered.forEach(({ task, result }) => result.resolve(results.get(task)!))
    } catch (error) {
      offered.forEach(({ result }) => result.reject(error))
    }
  }

  private storeAndClaim(tasks: readonly NewTask[]) {
    const { fence } = this.lease
    const nowMs = this.clock.nowMs()
    const instant = tasks.filter(({ orderingKey, hasFiles }) => orderingKey === null && !hasFiles)
    const room = fence === null || this.lostClaim?.isRecent === true ? undefined : this.claimer?.takeRoomFor(instant)
    if (fence === null || !room || room.tasks === 0) return this.once(() => storeTasks(this.tables, tasks, nowMs))
    const { claimer } = this
    let claimed: readonly ClaimedTask[] | undefined
    try {
      const stored = this.noteLoss(fence, () => storeTasks(this.tables, tasks, nowMs, { leaseId: fence, room }))
      claimed = stored.claimed
      claimed.forEach((task) => this.held.set(task.id, task))
      return stored
    } finally {
      claimer!.start(room, claimed)
    }
  }

  /** Whatever was lost may come in late: it is looked for before each claim, for as long as the lease is the same. */
  private recover(fence: number): void {
    const { lostClaim } = this
    this.lostClaim = undefined
    if (lostClaim?.leaseId !== fence) return
    this.lostClaim = lostClaim
    this.once(() => releaseUnknown(this.tables, fence, this.heldUnder(fence)))
    this.lostClaim = { leaseId: fence, isRecent: false }
  }

  private claiming(fence: number, work: () => ClaimedTask[]): ClaimedTask[] {
    const tasks = this.noteLoss(fence, work)
    tasks.forEach((task) => this.held.set(task.id, task))
    return tasks
  }

  private noteLoss<T>(leaseId: number, work: () => T): T {
    try {
      return this.once(work)
    } catch (error) {
      this.lostClaim = { leaseId, isRecent: true }
      throw error
    }
  }

  private putBack(item: ModelPutBack): TransitionResult {
    const result = this.persist(() => putBack(this.tables, item))
    this.forget(item.task)
    return result
  }

  private once<T>(work: () => T): T {
    const result = work()
    if (!this.takeLoss()) return result
    throw TaskError.unavailable('ledger_unavailable', 'the answer was lost')
  }

  private persist<T>(work: () => T): T {
    const result = work()
    return this.takeLoss() ? work() : result
  }

  private takeLoss(): boolean {
    const isLost = this.loseAnswer
    this.loseAnswer = false
    return isLost
  }

  private heldUnder(fence: number): ReadonlyMap<number, number> {
    return new Map([...this.held.values()].filter(({ leaseId }) => leaseId === fence).map(({ id, claim }) => [id, claim]))
  }

  private forget(task: ClaimedTask): void {
    const held = this.held.get(task.id)
    if (held?.leaseId === task.leaseId && held.claim === task.claim) this.held.delete(task.id)
  }
}
