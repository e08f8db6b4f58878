import { EventEmitter, handleWhen, retry, type Event, type RetryPolicy } from 'cockatiel'
import { SystemClock, TaskError, type Clock } from '#libs/kernel'
import { rejectOnAbort } from './reject-on-abort.js'
import { checkRetrySettings, type RetrySettings } from './retry-settings.js'
import { makeFullJitterBackoff } from './full-jitter.backoff.js'

export interface RetryEvent {
  /** The name of the port. */
  readonly port: string
  /** The try that is about to start, 1-based: 2 or more. */
  readonly attempt: number
  readonly delayMs: number
  readonly error: TaskError
}

export interface GiveUpEvent {
  readonly port: string
  readonly error: TaskError
}

export interface PortPolicyOptions extends RetrySettings {
  readonly name: string
  readonly clock?: Clock
  /** From 0 up to, not including, 1. */
  readonly random?: () => number
}

/**
 * Quick retries of one port: exponential backoff with full jitter, only for TaskErrors that are marked retryable, never for a wait longer
 * than the budget has left, and at least as long as the other side asked for. It trades latency of one call (at most the budget) for
 * not deferring a whole task because of one reset connection.
 *
 * Nothing is shared between calls: each has its own budget. Aborting ends the wait at once; a try that is under way is expected to end
 * by the same signal. Circuit breakers and bulkheads wrap the same `execute`.
 */
export class PortPolicy {
  private readonly retried = new EventEmitter<RetryEvent>()
  private readonly gaveUp = new EventEmitter<GiveUpEvent>()
  private readonly clock: Clock
  private readonly random: () => number
  readonly onRetry: Event<RetryEvent> = this.retried.addListener
  readonly onGiveUp: Event<GiveUpEvent> = this.gaveUp.addListener

  constructor(private readonly options: PortPolicyOptions) {
    checkRetrySettings(options)
    this.clock = options.clock ?? new SystemClock()
    this.random = options.random ?? Math.random
  }

  /** `work` gets the number of its try, 1-based. Rejects with the last error as it was, or with the signal's reason. */
  async execute<T>(work: (attempt: number) => Promise<T>, signal: AbortSignal): Promise<T> {
    const policy = this.makePolicy(signal)
    const tries = policy.execute(({ attempt }) => {
      signal.throwIfAborted()
      return work(attempt + 1)
    })
    try {
      return await rejectOnAbort(tries, signal)
    } catch (error) {
      if (isRetryable(error) && !signal.aborted) this.gaveUp.emit({ port: this.options.name, error })
      throw error
    }
  }

  /** One for each call, since cockatiel's filters know only the error and not since when it is being retried. */
  private makePolicy(signal: AbortSignal): RetryPolicy {
    const { name, attempts, budgetMs, initialDelayMs, maxDelayMs } = this.options
    const retryUntilMs = this.clock.monotonicMs() + budgetMs
    const remainingMs = () => retryUntilMs - this.clock.monotonicMs()
    const mayRetry = (error: unknown) => isRetryable(error) && !signal.aborted && remainingMs() > (error.retryAfterMs ?? 0)
    const backoff = makeFullJitterBackoff({ initialDelayMs, maxDelayMs, random: this.random, remainingMs })
    const policy = retry(handleWhen(mayRetry), { maxAttempts: attempts - 1, backoff })
    policy.onRetry((retried) => {
      if (!('error' in retried)) return
      this.retried.emit({ port: name, attempt: retried.attempt + 1, delayMs: retried.delay, error: retried.error as TaskError })
    })
    return policy
  }
}

function isRetryable(error: unknown): error is TaskError {
  return error instanceof TaskError && error.retryable
}

export function makePortPolicy(options: PortPolicyOptions): PortPolicy {
  return new PortPolicy(options)
}
