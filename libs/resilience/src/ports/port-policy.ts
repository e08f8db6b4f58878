import { DelegateBackoff, handleWhenResult, retry, timeout, TimeoutStrategy, type RetryPolicy, type TimeoutPolicy } from 'cockatiel'
import { TaskError, type Clock } from '#libs/kernel'
import { makeFullJitterMs } from './full-jitter.js'
import type { PortBreaker } from './port-breaker.js'
import { PORTS, type PortName } from './port.js'
import { rejectOnAbort } from './reject-on-abort.js'
import type { ResilienceEvents } from './resilience.events.js'
import { checkRetrySettings, type RetrySettings } from './retry-settings.js'

export interface PortPolicyOptions {
  readonly port: PortName
  readonly retry: RetrySettings
  /** Each try goes through it. Left out where what is called has one already, or none is wanted. */
  readonly breaker?: PortBreaker
  /** Of the whole call with its retries; left out where the adapter limits what can take long. */
  readonly timeoutMs?: number
  readonly events: ResilienceEvents
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
}

/** `attempt` is 1-based. */
type Work<T> = (attempt: number, signal: AbortSignal) => Promise<T>

/** A try that may be repeated: what the policy, which all calls share, must know of this one call. */
class FailedTry {
  constructor(
    readonly error: TaskError,
    /** Until the end of the budget: no wait is longer. */
    readonly remainingMs: number,
  ) {}
}

/**
 * Quick retries of one port: exponential backoff with full jitter, only for TaskErrors that are marked retryable, never for a wait longer
 * than the budget has left, and at least as long as the other side asked for. It trades latency of one call (at most the budget) for
 * not deferring a whole task because of one reset connection.
 *
 * timeout ( retries ( breaker ( try ) ) ), each where it is given. While the breaker refuses calls, one that comes fails at once, and one
 * that is under way is not retried: its owner (the ledger, the outbox) has the longer patience.
 *
 * Only the breaker is shared between calls: each has its own budget. Aborting ends the wait at once; a try that is under way is expected to
 * end by the same signal. Nothing but a closure is made for a call that succeeds.
 */
export class PortPolicy {
  private readonly retries: RetryPolicy
  private readonly timeLimit: TimeoutPolicy | undefined

  constructor(private readonly options: PortPolicyOptions) {
    const { timeoutMs } = options
    checkRetrySettings(options.retry)
    this.retries = this.makeRetries()
    if (timeoutMs !== undefined) this.timeLimit = timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false })
  }

  /** Rejects with the last error as it was, with the port's TaskError (the time limit, an open breaker), or with the signal's reason. */
  async execute<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    this.options.breaker?.check()
    return this.timeLimit ? this.limit(this.timeLimit, work, signal) : rejectOnAbort(this.repeat(work, signal), signal)
  }

  private async limit<T>(timeLimit: TimeoutPolicy, work: Work<T>, signal: AbortSignal): Promise<T> {
    let limited: AbortSignal | undefined
    try {
      return await timeLimit.execute((_, inner) => {
        limited = inner ?? signal
        return this.repeat(work, limited)
      }, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!limited?.aborted) throw error
      throw this.noteTimeout(error)
    }
  }

  private async repeat<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    const untilMs = this.options.clock.monotonicMs() + this.options.retry.budgetMs
    try {
      const result = await this.retries.execute(({ attempt }) => this.try(work, attempt + 1, { untilMs, signal }), signal)
      if (result instanceof FailedTry) throw result.error
      return result
    } catch (error) {
      if (isRetryable(error) && !signal.aborted) this.options.events.emit('gaveUp', { port: this.options.port, error })
      throw error
    }
  }

  /** Throws where no other try may follow. */
  private async try<T>(
    work: Work<T>,
    attempt: number,
    { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
  ): Promise<T | FailedTry> {
    const { breaker, clock } = this.options
    signal.throwIfAborted()
    try {
      return await (breaker ? breaker.execute(() => work(attempt, signal), signal) : work(attempt, signal))
    } catch (error) {
      if (!isRetryable(error) || signal.aborted || breaker?.refuses) throw error
      const remainingMs = untilMs - clock.monotonicMs()
      if (remainingMs <= (error.retryAfterMs ?? 0)) throw error
      return new FailedTry(error, remainingMs)
    }
  }

  private makeRetries(): RetryPolicy {
    const { port, retry: settings, events, random } = this.options
    const backoff = new DelegateBackoff<{ readonly attempt: number; readonly result: unknown }>(({ attempt, result }) => {
      const { error, remainingMs } = (result as { readonly value: FailedTry }).value
      return Math.min(Math.max(makeFullJitterMs(attempt, settings, random), error.retryAfterMs ?? 0), remainingMs)
    })
    const policy = retry(
      handleWhenResult((result) => result instanceof FailedTry),
      { maxAttempts: settings.attempts - 1, backoff },
    )
    policy.onRetry((retried) => {
      const { error } = (retried as unknown as { readonly value: FailedTry }).value
      events.emit('retried', { port, attempt: retried.attempt + 1, delayMs: retried.delay, error })
    })
    return policy
  }

  private noteTimeout(cause: unknown): TaskError {
    const { port, events, timeoutMs } = this.options
    events.emit('timedOut', { port, timeoutMs: timeoutMs! })
    return TaskError.unavailable(PORTS[port].code, `a call of ${PORTS[port].says} was not over after ${timeoutMs} ms`, cause)
  }
}

function isRetryable(error: unknown): error is TaskError {
  return error instanceof TaskError && error.retryable
}
