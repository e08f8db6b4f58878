import type { PipelineContext, PipelineSubject } from './pipeline-context.js'
import type { TaskProgress } from './ports/ledger.port.js'
import type { StreamGate } from './ports/stream-gate.port.js'
import { TaskError } from './task.error.js'
import type { AttemptEnd, ClaimedTask, OpenAttempt } from './task.js'

export interface TaskContextOptions {
  readonly streams: StreamGate
  readonly signal: AbortSignal
  readonly receivedAtMs: number
  /** Aborted earlier than `signal`, when no further call may start: a stop has begun. `signal` where left out. */
  readonly admission?: AbortSignal
  /** false: another worker may have taken this task already, so nothing may be sent for it. */
  readonly isLeaseFresh?: () => boolean
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

  async acquireStream(): Promise<void> {
    if (this.holdsStream) return
    await this.options.streams.acquire(this.options.admission ?? this.signal)
    this.holdsStream = true
  }

  /** To be asked right before a send. Throws TaskError `lease_lost`, or why the work was aborted. */
  checkMaySend(): void {
    this.signal.throwIfAborted()
    if (this.options.isLeaseFresh?.() === false) {
      throw new TaskError('lease_lost', 'the lease has not been renewed for so long that another worker may hold this task', {
        retryable: true,
      })
    }
  }

  releaseStream(): void {
    if (!this.holdsStream) return
    this.holdsStream = false
    this.options.streams.release()
  }
}
