import { Logger } from '@nestjs/common'
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices'
import {
  Admission,
  Clock,
  Ledger,
  LEDGER_TRANSPORT,
  TASK_PATTERN,
  TaskClaim,
  TaskContext,
  TaskError,
  WorkerLease,
  type ClaimedTask,
  type ClaimRoom,
} from '#libs/kernel'
import { makeFullJitterMs } from '#libs/resilience'
import { isObservable, lastValueFrom } from 'rxjs'
import { LateTasks } from './late-tasks.js'
import { TasksInHand } from './tasks-in-hand.js'

export interface LedgerTransportOptions {
  readonly ledger: Ledger
  readonly lease: WorkerLease
  readonly admission: Admission
  readonly clock: Clock
  /** Tasks of one claim. */
  readonly claimBatch: number
  /** Tasks in hand beyond the streams: those that read files, or whose answers are being stored. */
  readonly spareTasks: number
  /** The memory that the messages and stored answers of the tasks in hand may take. */
  readonly inHandBytes: number
  /** How often to look whether a lease that was too old is fresh again. */
  readonly pollIntervalMs: number
  /** How long running calls may go on after a stop. */
  readonly graceMs: number
}

/** After the grace period: for the ends of aborted calls to be stored. */
const STORING_LIMIT_MS = 10_000

interface TaskSignals {
  readonly signal: AbortSignal
  readonly startSignal: AbortSignal
}

type WakeReason = 'room' | 'retry'

/** One claim of so many goes by the time that tasks have been due, so that a high priority which never ends does not starve the others. */
const CLAIMS_PER_OLDEST = 8

const FAILURES_PER_WARNING = 10
const ERROR_DELAY = { initialDelayMs: 100, maxDelayMs: 5_000 }

/**
 * The transport of due tasks: claims from the ledger what admission allows, and dispatches each claim through Nest, awaiting the end of each
 * of its tasks.
 *
 * claiming  a claim is under way; one at a time, so that the next takes all that has become free meanwhile
 * waiting   nothing is due that could start, or no room is free; admission or the end of a task wakes it
 * failing   the claim failed; it waits with a growing delay, at least until PostgreSQL's breaker lets calls through
 * stale     the lease has not been renewed for so long that nothing may be sent: what would be claimed would come back at once, again and again
 * draining  stopped: nothing is claimed, what runs may end within the grace period, then its calls are aborted
 *
 * Streams are taken before a claim, since a claim opens attempts; those that it did not use go back at once.
 *
 * While nothing of a lane is due, its tasks are claimed by the statement that accepts them, and started from here too.
 */
export class LedgerTransport extends Server implements CustomTransportStrategy {
  override readonly transportId = LEDGER_TRANSPORT
  private readonly log = new Logger(LedgerTransport.name)
  private readonly stopping = new AbortController()
  /** Aborted when the grace period is over. */
  private readonly expiry = new AbortController()
  private readonly running: TasksInHand
  private readonly dispatches = new Set<Promise<void>>()
  private readonly signals = new WeakMap<AbortSignal, TaskSignals>()
  private handler: MessageHandler | undefined
  private loop: Promise<void> | undefined
  private claims = 0
  private sleeping: { readonly reason: WakeReason; readonly wake: () => void } | undefined
  private unsubscribe: () => void = () => {}
  private stopClaimsAtAccept: () => Promise<void> = () => Promise.resolve()
  private readonly late: LateTasks
  private closed: Promise<void> | undefined

  constructor(private readonly options: LedgerTransportOptions) {
    super()
    const { ledger, lease, claimBatch, inHandBytes } = options
    this.running = new TasksInHand(inHandBytes)
    this.late = new LateTasks({ ledger, lease, limit: claimBatch, start: (tasks) => this.start(tasks) })
  }

  /** How many tasks are in hand. */
  get inHand(): number {
    return this.running.count
  }

  override listen(callback: (error?: unknown) => void): void {
    this.handler = this.getHandlerByPattern(TASK_PATTERN) ?? undefined
    if (!this.handler) {
      callback(new Error(`no handler is registered for the pattern "${TASK_PATTERN}" of the ledger transport`))
      return
    }
    const { ledger, admission } = this.options
    this.unsubscribe = admission.onRoom(() => this.wakeUp('room'))
    this.stopClaimsAtAccept = ledger.claimAtAccept({
      takeRoomFor: (lanes) => admission.takeRoomFor(this.options.lease.isFresh ? lanes.slice(0, this.countRoom()) : []),
      start: (room, tasks) => this.startClaimed(room, tasks),
    })
    this.loop = this.run()
    this.late.start()
    callback()
  }

  /** Stops claiming, waits for what runs, and aborts what is left when the grace period is over. Idempotent. */
  override close(): Promise<void> {
    this.closed ??= this.drain()
    return this.closed
  }

  /** Aborted calls end at once; what they come to may not be storable, and then a stop must not wait for ever. */
  private whenGivenUp(): Promise<void> {
    return new Promise((resolve) => {
      const giveUpLater = () => void setTimeout(resolve, STORING_LIMIT_MS).unref()
      if (this.expiry.signal.aborted) giveUpLater()
      else this.expiry.signal.addEventListener('abort', giveUpLater, { once: true })
    })
  }

  /** Ends the grace period now: what has been sent ends as `maybe_paid`, the rest goes back untouched. */
  abortRunning(): void {
    if (this.expiry.signal.aborted || this.running.count === 0) return
    this.log.warn('running calls are aborted', { tasks: this.running.count })
    this.expiry.abort(makeShutdownError())
  }

  override on(): never {
    throw new Error('the ledger transport has no events of its own')
  }

  override unwrap(): never {
    throw new Error('the ledger transport has no client of its own')
  }

  private async drain(): Promise<void> {
    this.stopping.abort(makeShutdownError())
    this.unsubscribe()
    this.options.admission.noteClaiming(false)
    this.wakeUp('stop')
    await Promise.all([this.loop, this.stopClaimsAtAccept(), this.late.stop()])
    const overdue = setTimeout(() => this.abortRunning(), this.options.graceMs)
    const ended = Promise.allSettled(this.dispatches)
    await Promise.race([ended, this.whenGivenUp()])
    clearTimeout(overdue)
  }

  private async run(): Promise<void> {
    let failures = 0
    while (!this.stopping.signal.aborted) {
      if (!this.options.lease.isFresh) {
        await this.sleepUntil('retry', this.options.pollIntervalMs)
        continue
      }
      this.options.admission.noteClaiming(this.options.ledger.hasRoomForAnswers)
      const room = this.options.admission.takeRoom(Math.min(this.options.claimBatch, this.countRoom()))
      if (room.tasks === 0) {
        await this.sleepUntil('room')
        continue
      }
      try {
        await this.claim(room)
        failures = 0
      } catch (error) {
        failures++
        // The first one tells; while PostgreSQL is away most others would say the same.
        if (failures % FAILURES_PER_WARNING === 1) this.log.warn('tasks could not be claimed', { error })
        else this.log.debug('tasks could not be claimed again', { error, failures })
        await this.sleepUntil('retry', Math.max(makeFullJitterMs(failures, ERROR_DELAY, Math.random), retryAfterMsOf(error)))
      }
    }
  }

  /**
   * How many tasks more may be in hand. Where answers that wait to be stored have taken all room, the end of one of their tasks wakes the
   * loop.
   */
  private countRoom(): number {
    const { ledger, admission, spareTasks } = this.options
    if (!ledger.hasRoomForAnswers) return 0
    return Math.max(0, Math.min(admission.limit + spareTasks - this.running.count, this.running.room))
  }

  private async claim(room: ClaimRoom): Promise<void> {
    let tasks: readonly ClaimedTask[] | undefined
    try {
      const oldestFirst = ++this.claims % CLAIMS_PER_OLDEST === 0
      tasks = await this.options.ledger.claim(oldestFirst ? { ...room, oldestFirst } : room)
    } finally {
      this.startClaimed(room, tasks)
    }
  }

  /** `tasks` is left out where the claim has failed. */
  private startClaimed(room: ClaimRoom, tasks?: readonly ClaimedTask[]): void {
    if (tasks && tasks.length > 0) this.start(tasks)
    this.options.admission.settleRoom(room, tasks)
  }

  private start(tasks: readonly ClaimedTask[]): void {
    const contexts = tasks.map((task) => this.makeContext(task))
    this.running.add(contexts)
    const dispatched = this.dispatch(new TaskClaim(contexts, (context, failure) => this.end(context, failure)))
    this.dispatches.add(dispatched)
    void dispatched.finally(() => this.dispatches.delete(dispatched))
  }

  private makeContext(task: ClaimedTask): TaskContext {
    const { ledger, admission, clock, lease } = this.options
    return new TaskContext(task, {
      admission,
      clock,
      ...this.signalsOf(lease.signal()),
      receivedAtMs: clock.nowMs(),
      isLeaseFresh: () => lease.isFresh && lease.fence === task.leaseId,
      hasRoomForAnswers: () => ledger.hasRoomForAnswers,
    })
  }

  /** Nest's own dispatch resolves before the handler has ended; this one does not. Never rejects. */
  private async dispatch(claim: TaskClaim): Promise<void> {
    try {
      const result: unknown = await this.handler!(claim, claim)
      if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined })
      claim.endUnrun(new Error('the handler has not run the task'))
    } catch (error) {
      claim.endUnrun(error)
    }
  }

  private end(context: TaskContext, failure?: unknown): void {
    this.running.remove(context)
    if (failure !== undefined) this.log.error('the outcome of a task could not be stored', { error: failure, task_id: context.task.taskId })
    context.releaseStream()
    this.wakeUp('room')
  }

  /** The same for all tasks of a lease: what runs ends with the lease or with the grace period, what would start already with the stop. */
  private signalsOf(lease: AbortSignal): TaskSignals {
    let signals = this.signals.get(lease)
    if (!signals) {
      const signal = AbortSignal.any([lease, this.expiry.signal])
      signals = { signal, startSignal: AbortSignal.any([signal, this.stopping.signal]) }
      this.signals.set(lease, signals)
    }
    return signals
  }

  /** A claim that has failed is not tried again sooner because a task has ended. */
  private wakeUp(reason: WakeReason | 'stop'): void {
    if (this.sleeping && (reason === 'stop' || reason === this.sleeping.reason)) this.sleeping.wake()
  }

  private sleepUntil(reason: WakeReason, timeoutMs?: number): Promise<void> {
    if (this.stopping.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.sleeping = undefined
        resolve()
      }
      const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs)
      this.sleeping = { reason, wake }
    })
  }
}

/** While PostgreSQL's breaker is open nothing is claimed: the time until its next probe. */
function retryAfterMsOf(error: unknown): number {
  return error instanceof TaskError ? (error.retryAfterMs ?? 0) : 0
}

function makeShutdownError(): TaskError {
  return new TaskError('shutdown', 'the service stopped before the call had started or ended', { retryable: true })
}
