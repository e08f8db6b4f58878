import type { Clock } from './clock.js'
import type { PipelineContext, PipelineSubject } from './pipeline-context.js'
import type { Metering } from './ports/metering.port.js'
import type { TaskProgress } from './ports/ledger.port.js'
import type { Admission, AttemptUsage, CallEnd } from './ports/admission.port.js'
import { TaskError } from './task.error.js'
import type { TaskStep } from './task-step.js'
import type { AttemptEnd, ClaimedTask, OpenAttempt } from './task.js'

const NOTHING_USED = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }

/** Node fires a longer timer at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export interface TaskContextOptions {
  readonly admission: Admission
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly receivedAtMs: number
  /** Aborted earlier than `signal`, when no further call may start: a stop has begun. `signal` where left out. */
  readonly startSignal?: AbortSignal
  /** false: another worker may have taken this task already, so nothing may be sent for it. */
  readonly isLeaseFresh?: () => boolean
  /** false: so many answers wait to be stored that nothing may be sent whose answer would join them. */
  readonly hasRoomForAnswers?: () => boolean
}

/**
 * The pipeline context of one claimed task, and how far its attempt has come: what the interceptors need to know when the handler throws.
 *
 * attempt: null -> open (claimed with one, or opened) -> ended (attemptEnd is set) or answered (attempt is null again)
 * stream: held while `streamSinceMs` is set; released once, whatever happens first
 */
export class TaskContext implements PipelineContext {
  readonly transport = 'ledger'
  readonly subject: PipelineSubject
  traceparent: string | null
  readonly correlationId: string | null
  readonly deadlineMs: number | null
  /** The attempt that is open: `sending` in the ledger. */
  attempt: OpenAttempt | null
  /** How the open attempt ended, to be stored together with what happens to the task. */
  attemptEnd: AttemptEnd | undefined
  /** The template of the run, once it was rendered; undefined where it has none. */
  promptVersion: string | undefined
  /** Attempts of the run that count, this one included. */
  attempts: number
  /** An answer of the run is in the ledger: it was paid for, and the run is finished from it. */
  hasAnswer: boolean
  /** How long each step of this dispatch has taken, in milliseconds; 0 where it did not come to it. */
  readonly stepTimes: Record<TaskStep, number> = { prepare: 0, admit: 0, call: 0, record: 0, judge: 0, store: 0 }
  private step: TaskStep | null = null
  private stepSinceMs = 0
  /** undefined: it holds no stream. */
  private streamSinceMs: number | undefined

  constructor(
    readonly task: ClaimedTask,
    private readonly options: TaskContextOptions,
  ) {
    const { tenant, taskId, type, run, attempt, settingsVersion } = task
    this.subject = { tenant, taskId, type, run, settingsVersion, ...(attempt && { attempt: attempt.number }) }
    this.traceparent = task.traceparent
    this.correlationId = task.correlationId
    this.deadlineMs = task.deadlineMs
    this.attempt = attempt
    this.attempts = task.attempts
    this.promptVersion = task.promptVersion ?? undefined
    this.hasAnswer = task.storedAnswer !== null
    // The transport has taken a stream for every task that it claimed with an attempt.
    if (attempt !== null) this.streamSinceMs = options.clock.monotonicMs()
  }

  get signal(): AbortSignal {
    return this.options.signal
  }

  get receivedAtMs(): number {
    return this.options.receivedAtMs
  }

  /** What the ledger must keep with the next thing that happens to the task. */
  get progress(): TaskProgress {
    const { attemptEnd, promptVersion } = this
    return { ...(attemptEnd && { attemptEnd }), ...(promptVersion !== undefined && { promptVersion }) }
  }

  /** Waits for a stream. Rejects as `inTime` does. */
  async acquireStream(): Promise<void> {
    if (this.streamSinceMs !== undefined) return
    this.enter('admit')
    await this.inTime((signal) => this.options.admission.acquire(this.task, signal))
    this.streamSinceMs = this.options.clock.monotonicMs()
  }

  /** The dispatch has come to its next step; null: to its end. One that it comes to twice counts together. */
  enter(step: TaskStep | null): void {
    const nowMs = this.options.clock.monotonicMs()
    if (this.step !== null) this.stepTimes[this.step] += nowMs - this.stepSinceMs
    this.step = step
    this.stepSinceMs = nowMs
  }

  /**
   * Work that may wait before a call. Its signal is aborted when no further call may start, and when the deadline passes: then it rejects
   * with TaskError `deadline_exceeded`.
   */
  async inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const startSignal = this.options.startSignal ?? this.signal
    if (this.deadlineMs === null) return work(startSignal)
    this.checkDeadline()
    const leftMs = this.deadlineMs - this.options.clock.nowMs()
    const deadline = new AbortController()
    const timer = leftMs <= MAX_TIMER_MS ? setTimeout(() => deadline.abort(), leftMs) : undefined
    try {
      return await work(AbortSignal.any([startSignal, deadline.signal]))
    } catch (error) {
      throw deadline.signal.aborted ? this.makeLateError(this.deadlineMs) : error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Until the deadline; undefined: it has none. */
  get leftMs(): number | undefined {
    return this.deadlineMs === null ? undefined : this.deadlineMs - this.options.clock.nowMs()
  }

  /** TaskError `deadline_exceeded` when the deadline has passed. */
  findLateness(): TaskError | undefined {
    return this.deadlineMs !== null && this.options.clock.nowMs() > this.deadlineMs ? this.makeLateError(this.deadlineMs) : undefined
  }

  /** TaskError `deadline_exceeded` when a next try after this time would come too late, whatever it waits for. */
  findLatenessIn(delayMs: number, cause: TaskError): TaskError | undefined {
    const { deadlineMs } = this
    if (deadlineMs === null || this.options.clock.nowMs() + delayMs <= deadlineMs) return undefined
    const message = `the next try, in ${Math.ceil(delayMs / 1_000)} s, would come after the deadline; the last one: ${cause.code}: ${cause.message}`
    return new TaskError('deadline_exceeded', message, { retryable: false, cause })
  }

  /** Throws what `findLateness` finds. */
  checkDeadline(): void {
    const late = this.findLateness()
    if (late) throw late
  }

  /** To be asked right before a send. Throws TaskError `deadline_exceeded`, `lease_lost` or `ledger_unavailable`, or why the work was aborted. */
  checkMaySend(): void {
    this.signal.throwIfAborted()
    this.checkDeadline()
    if (this.options.isLeaseFresh?.() === false) {
      throw new TaskError('lease_lost', 'the lease has not been renewed for so long that another worker may hold this task', {
        retryable: true,
      })
    }
    if (this.options.hasRoomForAnswers?.() === false) {
      throw TaskError.unavailable('ledger_unavailable', 'so many answers wait to be stored that one more could not be kept')
    }
  }

  /** `call` is how the call ended for which it was held; left out where nothing was sent. */
  releaseStream(call?: CallEnd): void {
    if (this.streamSinceMs === undefined) return
    const heldMs = this.options.clock.monotonicMs() - this.streamSinceMs
    this.streamSinceMs = undefined
    this.options.admission.release(this.task, { heldMs, ...(call && { call }) })
  }

  /** For opening the next attempt: what decides by meters whether it may start. */
  get metering(): Metering | undefined {
    return this.options.admission.makeMetering(this.task)
  }

  /**
   * Tells admission that an attempt which ended without an answer has used nothing. What may have been paid for, or failed on the provider's
   * side, keeps what was reserved for it.
   */
  bookEnd(): void {
    const { attemptEnd } = this
    const wasNotSent = attemptEnd?.state === 'not_sent'
    if (!attemptEnd || !(wasNotSent || (attemptEnd.state === 'refused' && (attemptEnd.httpStatus ?? 0) < 500))) return
    this.book({ attemptId: attemptEnd.attemptId, usage: NOTHING_USED, wasNotSent })
  }

  /** Tells admission what an attempt has used. */
  book(usage: AttemptUsage): void {
    this.options.admission.book(this.task, usage)
  }

  /** By the price list; undefined where the model has no price. */
  costOf(usage: NonNullable<AttemptUsage['usage']>): number | undefined {
    return this.options.admission.costOf(this.task, usage)
  }

  /** By its clock, milliseconds since 1970. */
  get nowMs(): number {
    return this.options.clock.nowMs()
  }

  private makeLateError(deadlineMs: number): TaskError {
    const lateMs = Math.max(0, this.options.clock.nowMs() - deadlineMs)
    return TaskError.invalid('deadline_exceeded', `the deadline passed ${Math.ceil(lateMs / 1_000)} s before the call could start`)
  }
}
