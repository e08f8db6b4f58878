import type { ErrorCode } from '#libs/contracts'
import { TaskError, type AdmissionStore, type Clock, type Route, type RouteFailure, type RouteState } from '#libs/kernel'
import type { AdmissionEvents } from '../admission.events.js'
import type { CallVerdict } from './judge-call.js'

export interface RouteBreakerSettings {
  /** Failures one after the other, of all replicas, that open a route. */
  readonly failures: number
  readonly openMs: number
  readonly maxOpenMs: number
  /** For a model that must be paid for first. */
  readonly unpaidMs: number
  readonly maxUnpaidMs: number
}

export interface RouteBreakersOptions {
  readonly store: AdmissionStore
  readonly clock: Clock
  readonly settings: RouteBreakerSettings
  readonly events: AdmissionEvents
}

interface Breaker {
  state: RouteState
  /** On this process's clock: when the next probe may be sent. */
  openUntilMs: number
  /** The right to the probe: none; held, to be used by the next call; used by a call that is under way. */
  probe: 'none' | 'held' | 'used'
  /** On this process's clock: since when it is so. */
  probeSinceMs: number
}

/** How a call ended, for the breaker of its route. */
export interface CallNote {
  readonly verdict: CallVerdict
  /** For how long it held its stream. */
  readonly heldMs: number
  /** Left out where the call was answered. */
  readonly reason?: ErrorCode
  /** For how long the provider asked to be left alone; left out where it did not. */
  readonly retryAfterMs?: number | undefined
}

/** Failures that PostgreSQL has not been told of. */
interface Report {
  failures: number
  reason: ErrorCode
  isUnpaid: boolean
  /** For how long the provider asked to be left alone; 0: it did not. */
  askedMs: number
}

/** So long a right that is held waits for a task whose files are being read, or for a stream, before another replica may have it. */
const IDLE_PROBE_MS = 2_000

/**
 * This replica's view of the breakers that all replicas share, one for each provider and model.
 *
 * closed -> open       so many failures in a row, or at once where the model is not paid for
 *                      or where it asks, on its last stream, to be left alone (for as long as it asks, at most maxOpenMs)
 * open -> half-open    its time is up, and one replica takes the right to one call
 * half-open -> closed  that call came back; -> open, for twice as long, when it failed; -> open, due at once, when it was never sent
 *
 * The view may be some hundred milliseconds old: the statements that open attempts look at PostgreSQL's own.
 */
export class RouteBreakers {
  private readonly breakers = new Map<string, Breaker>()
  private readonly reports = new Map<string, Report>()
  private readonly reporting = new Map<string, Promise<void>>()
  /** Routes that have changed here since the last view of PostgreSQL was asked for. */
  private readonly changed = new Set<string>()

  constructor(private readonly options: RouteBreakersOptions) {}

  get all(): readonly RouteState[] {
    return [...this.breakers.values()].map(({ state }) => state)
  }

  /** May a call of this route start? probe: only one, and only here. */
  admits(route: Route): 'calls' | 'probe' | 'nothing' {
    const breaker = this.breakers.get(keyOf(route))
    if (!breaker || breaker.state.status === 'closed') return 'calls'
    return breaker.probe === 'held' ? 'probe' : 'nothing'
  }

  /** Why no call may start. */
  makeRefusal(route: Route): TaskError {
    const breaker = this.breakers.get(keyOf(route))
    const leftMs = breaker ? Math.max(0, Math.ceil(breaker.openUntilMs - this.options.clock.monotonicMs())) : 0
    const why = breaker?.state.reason ?? 'its calls failed'
    return new TaskError(
      'route_closed',
      `calls of ${route.provider} ${route.model} are held back (${why}); the next is tried in ${leftMs} ms`,
      {
        retryable: true,
        retryAfterMs: leftMs,
      },
    )
  }

  useProbe(route: Route): void {
    const breaker = this.breakers.get(keyOf(route))
    if (breaker?.probe === 'held') this.setProbe(breaker, 'used')
  }

  /** Nothing was sent with it after all, so another call may be. */
  holdProbe(route: Route): void {
    const breaker = this.breakers.get(keyOf(route))
    if (breaker?.probe === 'used') this.setProbe(breaker, 'held')
  }

  /** Gives the right back where there is nothing to send. */
  async returnProbe(route: Route): Promise<void> {
    const breaker = this.breakers.get(keyOf(route))
    if (!breaker || breaker.probe === 'none') return
    this.setProbe(breaker, 'none')
    await this.options.store.returnProbe(route)
    this.apply({ ...breaker.state, status: 'open', leftMs: 0, isOwnProbe: false })
  }

  /** Takes the right to a probe wherever the time has come. true: one was taken. */
  async seekProbes(routes: Iterable<Route>): Promise<boolean> {
    let taken = false
    for (const { provider, model } of routes) {
      const route = { provider, model }
      const breaker = this.breakers.get(keyOf(route))
      if (!breaker || breaker.state.status === 'closed' || breaker.probe !== 'none') continue
      if (this.options.clock.monotonicMs() < breaker.openUntilMs || !(await this.options.store.takeProbe(route))) continue
      this.apply({ ...breaker.state, status: 'half_open', leftMs: 0, isOwnProbe: true })
      taken = true
    }
    return taken
  }

  /** Gives back the rights that nobody here has a use for: another replica may have one. */
  async returnProbes(isOfUse: (route: Route) => boolean): Promise<void> {
    const longAgoMs = this.options.clock.monotonicMs() - IDLE_PROBE_MS
    for (const { state, probe, probeSinceMs } of this.breakers.values()) {
      if (probe === 'held' && probeSinceMs <= longAgoMs && !isOfUse(state)) await this.returnProbe(state)
    }
  }

  /** For how long a probe of the route might have been sent already; negative: its time has not come. */
  overdueMs(route: Route): number {
    const breaker = this.breakers.get(keyOf(route))
    return breaker ? this.options.clock.monotonicMs() - breaker.openUntilMs : Number.NEGATIVE_INFINITY
  }

  /** How long until the next of these routes may be probed; Infinity: none waits, or another replica probes it. */
  nextProbeMs(routes: Iterable<Route>): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const route of routes) {
      const breaker = this.breakers.get(keyOf(route))
      if (breaker?.state.status === 'open' && breaker.probe === 'none') nextMs = Math.min(nextMs, breaker.openUntilMs)
    }
    return nextMs - this.options.clock.monotonicMs()
  }

  /** Takes over what PostgreSQL says; routes that it does not name are closed. */
  async refresh(): Promise<void> {
    this.changed.clear()
    const states = new Map((await this.options.store.readRoutes()).map((state) => [keyOf(state), state]))
    // What has changed here meanwhile, or is just being reported, makes this view out of date.
    const isOld = (key: string) => this.changed.has(key) || this.reporting.has(key)
    const unnamed = [...this.breakers].filter(([key]) => !states.has(key) && !isOld(key))
    const named = [...states].filter(([key]) => !isOld(key))
    for (const [key, { state }] of unnamed) {
      this.apply({ ...state, status: 'closed', failures: 0, isOwnProbe: false })
      this.breakers.delete(key)
    }
    for (const [, state] of named) this.apply(state)
  }

  /**
   * What the end of a call says. Its report to the others goes out in the background, failures of one route together. While a route is not
   * closed only the probe says anything: other calls were sent before it opened.
   */
  note(route: Route, { verdict, heldMs, reason, retryAfterMs }: CallNote): void {
    const { provider, model } = route
    const key = keyOf(route)
    const breaker = this.breakers.get(key)
    if (breaker && breaker.state.status !== 'closed' && !this.isProbe(breaker, heldMs)) return
    if (verdict === 'nothing') {
      if (breaker?.probe === 'used') this.setProbe(breaker, 'held')
      return
    }
    // Streams may have been given back meanwhile, since nothing was refused: to the probe it makes no difference.
    const isExhausted = verdict === 'exhausted' || (verdict === 'busy' && isHeldBackFor(breaker, reason))
    if (verdict === 'away' || verdict === 'unpaid' || isExhausted) {
      const report = this.reports.get(key) ?? { failures: 0, reason: reason!, isUnpaid: false, askedMs: 0 }
      this.reports.set(key, report)
      report.failures++
      report.reason = reason!
      report.isUnpaid ||= verdict === 'unpaid'
      if (isExhausted) report.askedMs = Math.max(report.askedMs, Math.ceil(retryAfterMs ?? 0))
      if (breaker) this.setProbe(breaker, 'none')
      this.report({ provider, model })
      return
    }
    // Too many calls are no sign that the others would be answered, nor that they would not.
    if (verdict === 'busy' && breaker?.state.status === 'closed') return
    this.reports.delete(key)
    if (!breaker || (breaker.state.status === 'closed' && breaker.state.failures === 0)) return
    this.setProbe(breaker, 'none')
    breaker.state = { ...breaker.state, failures: 0 }
    this.reportSuccess({ provider, model })
  }

  /** Resolves when nothing is left to report. */
  async whenReported(): Promise<void> {
    await Promise.all(this.reporting.values())
  }

  private report(route: Route): void {
    this.runOnce(route, async () => {
      const report = this.reports.get(keyOf(route))
      if (!report) return
      this.reports.delete(keyOf(route))
      const { failures, reason } = report
      this.apply(await this.options.store.reportFailure({ ...route, failures, reason, ...this.limitsOf(report) }))
    })
  }

  private limitsOf({ isUnpaid, askedMs }: Report): Pick<RouteFailure, 'threshold' | 'openMs' | 'maxOpenMs'> {
    const { failures, openMs, maxOpenMs, unpaidMs, maxUnpaidMs } = this.options.settings
    if (isUnpaid) return { threshold: 1, openMs: unpaidMs, maxOpenMs: maxUnpaidMs }
    // A probe now and then does no harm, and finds out where an hour was asked for that is not meant.
    if (askedMs > 0) return { threshold: 1, openMs: Math.min(askedMs, maxOpenMs), maxOpenMs }
    return { threshold: failures, openMs, maxOpenMs }
  }

  private reportSuccess(route: Route): void {
    this.runOnce(route, async () => {
      await this.options.store.reportSuccess(route)
      const breaker = this.breakers.get(keyOf(route))
      if (breaker) this.apply({ ...breaker.state, status: 'closed', failures: 0, reason: null, isOwnProbe: false })
    })
  }

  /** One statement for each route at a time; what comes in meanwhile is the next. While PostgreSQL is away nothing is reported: nothing is sent either. */
  private runOnce(route: Route, work: () => Promise<void>): void {
    const key = keyOf(route)
    const before = this.reporting.get(key)
    const done = (before ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => void this.options.events.emit('failed', error))
      .finally(() => {
        if (this.reporting.get(key) === done) this.reporting.delete(key)
      })
    this.reporting.set(key, done)
  }

  /** A call that has held its stream for longer was sent before. */
  private isProbe({ probe, probeSinceMs }: Breaker, heldMs: number): boolean {
    return probe === 'used' && heldMs <= this.options.clock.monotonicMs() - probeSinceMs
  }

  private setProbe(breaker: Breaker, probe: Breaker['probe']): void {
    breaker.probe = probe
    breaker.probeSinceMs = this.options.clock.monotonicMs()
  }

  private apply(state: RouteState): void {
    const key = keyOf(state)
    const before = this.breakers.get(key)
    const openUntilMs = this.options.clock.monotonicMs() + state.leftMs
    // A probe that is under way stays the only one until it ends.
    const isUnderWay = before?.probe === 'used' && state.status !== 'closed'
    const probe = isUnderWay ? 'used' : state.isOwnProbe ? 'held' : 'none'
    const probeSinceMs = before?.probe === probe ? before.probeSinceMs : this.options.clock.monotonicMs()
    this.breakers.set(key, { state, openUntilMs, probe, probeSinceMs })
    this.changed.add(key)
    if ((before?.state.status ?? 'closed') !== state.status) this.options.events.emit('routeChanged', state)
  }
}

function isHeldBackFor(breaker: Breaker | undefined, reason: ErrorCode | undefined): boolean {
  return breaker !== undefined && breaker.state.status !== 'closed' && breaker.state.reason === reason
}

function keyOf({ provider, model }: Route): string {
  return `${provider}\n${model}`
}
