import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhenResult, type CircuitBreakerPolicy } from 'cockatiel'
import { TaskError, type Clock } from '#libs/kernel'
import { checkBreakerSettings, type BreakerSettings } from './breaker-settings.js'
import { OpenPeriod } from './open-period.backoff.js'
import { PORTS, type PortName } from './port.js'
import type { ResilienceEvents } from './resilience.events.js'

export interface PortBreakerOptions {
  readonly port: PortName
  readonly settings: BreakerSettings
  /** true: the error says that the server is away. Anything else is its answer, and so a sign of life. */
  readonly isAway: (error: unknown) => boolean
  readonly events: ResilienceEvents
  readonly clock: Clock
}

/** A call that failed, as a value: what the circuit counts is not always what the caller is told. */
class FailedCall {
  constructor(
    readonly error: unknown,
    readonly countsAsAway: boolean,
  ) {}
}

const NEVER = new AbortController().signal

/**
 * The circuit breaker of one port, shared by all its calls. It trades a late first call after an outage (at most `openMs`) for not letting
 * every call wait for its time limit while the server is away.
 *
 * closed -> open       `failures` errors in a row that say that the server is away
 * open -> half-open    `openMs` later, by the next call, which is the one probe
 * half-open -> closed  the server has answered the probe, be it with a refusal
 * half-open -> open    it has not, or the probe was aborted
 *
 * Open, and half-open beside the probe, calls fail at once with the port's TaskError, which says when to come again.
 *
 * Errors in a row (ConsecutiveBreaker), and not a share of a time window (SamplingBreaker): a server that is away fails every call, while
 * one that fails some of them answers others, and is better left to the retries; a count needs no minimum of calls per second, which idle
 * ports never have, and costs an addition.
 */
export class PortBreaker {
  private readonly circuit: CircuitBreakerPolicy
  private readonly period: OpenPeriod
  private awaySinceMs: number | undefined

  constructor(private readonly options: PortBreakerOptions) {
    const { port, settings, events, clock } = options
    checkBreakerSettings(settings)
    this.period = new OpenPeriod(settings.openMs, clock)
    this.circuit = circuitBreaker(
      handleWhenResult((result) => result instanceof FailedCall && result.countsAsAway),
      { halfOpenAfter: this.period, breaker: new ConsecutiveBreaker(settings.failures) },
    )
    this.circuit.onBreak((reason) => this.noteOpened('value' in reason ? reason.value : undefined))
    this.circuit.onHalfOpen(() => events.emit('breakerHalfOpened', { port }))
    this.circuit.onReset(() => this.noteClosed())
    events.emit('breakerMade', { port })
  }

  /** No call is let through now. */
  get refuses(): boolean {
    return this.refusedForMs() > 0
  }

  /** Throws what `execute` would reject with at once: the port's TaskError, retryable, with `retryAfterMs`. */
  check(): void {
    const retryAfterMs = this.refusedForMs()
    if (retryAfterMs > 0) throw makeRefusal(this.options.port, retryAfterMs)
  }

  /** Rejects with the error of `work` as it was. What is aborted by the signal says nothing about the server. */
  async execute<T>(work: () => Promise<T>, signal: AbortSignal = NEVER): Promise<T> {
    this.check()
    const result = await this.circuit.execute(() => this.call(work, signal))
    if (result instanceof FailedCall) throw result.error
    return result
  }

  private async call<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | FailedCall> {
    const isProbe = this.circuit.state === CircuitState.HalfOpen
    try {
      return await work()
    } catch (error) {
      // The circuit takes what is thrown for the end of a probe, and counts it nowhere else.
      if (signal.aborted && !isProbe) throw error
      return new FailedCall(error, signal.aborted || this.options.isAway(error))
    }
  }

  private refusedForMs(): number {
    switch (this.circuit.state) {
      case CircuitState.Closed:
        return 0
      case CircuitState.HalfOpen:
        return this.options.settings.openMs
      default:
        return Math.ceil(this.period.remainingMs)
    }
  }

  private noteOpened(failed: unknown): void {
    const { port, settings, events, clock } = this.options
    const again = this.awaySinceMs !== undefined
    this.awaySinceMs ??= clock.monotonicMs()
    const error = failed instanceof FailedCall && failed.error instanceof Error ? failed.error : new Error(`${PORTS[port].says} is away`)
    events.emit('breakerOpened', { port, openMs: settings.openMs, error, again })
  }

  private noteClosed(): void {
    const { port, events, clock } = this.options
    const nowMs = clock.monotonicMs()
    const awayMs = nowMs - (this.awaySinceMs ?? nowMs)
    this.awaySinceMs = undefined
    events.emit('breakerClosed', { port, awayMs })
  }
}

function makeRefusal(port: PortName, retryAfterMs: number): TaskError {
  const { code, says } = PORTS[port]
  return new TaskError(code, `${says} is away: it is asked again in ${retryAfterMs} ms`, {
    retryable: true,
    retryAfterMs,
    details: { port, breaker: 'open' },
  })
}

/** The call was not made, since the breaker of its port was open. */
export function isRefusedByBreaker(error: unknown): boolean {
  return error instanceof TaskError && error.details['breaker'] === 'open'
}
