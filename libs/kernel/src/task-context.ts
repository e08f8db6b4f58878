import type { Clock } from './clock.js'
import type { PipelineContext, PipelineSubject } from './pipeline-context.js'
import type { TaskProgress } from './ports/ledger.port.js'
import type { StreamGate } from './ports/stream-gate.port.js'
import { TaskError } from './task.error.js'
import type { AttemptEnd, ClaimedTask, OpenAttempt } from './task.js'

/** Node fires a longer timer at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export interface TaskContextOptions {
  readonly streams: StreamGate
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly receivedAtMs: number
  /** Aborted earlier than `signal`, when no further call may start: a stop has begun. `signal` where left out. */
  readonly admission?: AbortSignal
  /** false: another worker may have taken this task already, so nothing may be sent for it. */
  readonly isLeaseFresh?: () => boolean
  /** false: so many answers wait to be stored that nothing may be sent whose answer would join them. */
  readonly hasRoomForAnswers?: () => boolean
}

/**
 * The pipeline context of one claimed task, and how far its attempt has come: what the interceptors need to know when the handler throws.
 *
 * attempt: null -> open (claimed with one, or opened) -> ended (attemptEnd is set) or answered (attempt is null again)
 * stream: held while `holdsStream`; released once, whatever happens first
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
  private holdsStream: boolean

  constructor(
    readonly task: ClaimedTask,
    private readonly options: TaskContextOptions,
  ) {
    const { tenant, taskId, type, run, attempt } = task
    this.subject = { tenant, taskId, type, run, ...(attempt && { attempt: attempt.number }) }
    this.traceparent = task.traceparent
    this.correlationId = task.correlationId
    this.deadlineMs = task.deadlineMs
    this.attempt = attempt
    this.attempts = task.attempts
    this.promptVersion = task.promptVersion ?? undefined
    this.hasAnswer = task.storedAnswer !== null
    // The transport has taken a stream for every task that it claimed with an attempt.
    this.holdsStream = attempt !== null
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
    if (this.holdsStream) return
    await this.inTime((signal) => this.options.streams.acquire(signal))
    this.holdsStream = true
  }

  /**
   * Work that may wait before a call. Its signal is aborted when no further call may start, and when the deadline passes: then it rejects
   * with TaskError `deadline_exceeded`.
   */
  async inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const admission = this.options.admission ?? this.signal
    if (this.deadlineMs === null) return work(admission)
    this.checkDeadline()
    const leftMs = this.deadlineMs - this.options.clock.nowMs()
    const deadline = new AbortController()
    const timer = leftMs <= MAX_TIMER_MS ? setTimeout(() => deadline.abort(), leftMs) : undefined
    try {
      return await work(AbortSignal.any([admission, deadline.signal]))
    } catch (error) {
      throw deadline.signal.aborted ? this.makeLateError(this.deadlineMs) : error
    } finally {
      clearTimeout(timer)
    }
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

  releaseStream(): void {
    if (!this.holdsStream) return
    this.holdsStream = false
    this.options.streams.release()
  }

  private makeLateError(deadlineMs: number): TaskError {
    const lateMs = Math.max(0, this.options.clock.nowMs() - deadlineMs)
    return TaskError.invalid('deadline_exceeded', `the deadline passed ${Math.ceil(lateMs / 1_000)} s before the call could start`)
  }
}
