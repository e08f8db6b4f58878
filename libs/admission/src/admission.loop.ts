import type { AdmissionStore, Lane } from '#libs/kernel'
import type { AdmissionEvents } from './admission.events.js'
import type { ClusterAdmission } from './cluster.admission.js'
import type { LaneBook } from './lanes/lane.book.js'
import type { Limits } from './limits/limits.js'
import type { RefusedLanes } from './meters/refused.lanes.js'
import type { UsageBooks } from './meters/usage.books.js'
import type { RouteBreakers } from './routes/route.breakers.js'
import { LOWER_FACTOR } from './streams/adapt-limit.js'
import type { StreamGates } from './streams/stream.gates.js'

export interface AdmissionLoopOptions {
  readonly store: AdmissionStore
  readonly admission: ClusterAdmission
  readonly gates: StreamGates
  readonly breakers: RouteBreakers
  readonly book: LaneBook
  readonly books: UsageBooks
  readonly refused: RefusedLanes
  readonly limits: Limits
  readonly events: AdmissionEvents
  /** Between two looks while calls run or wait. */
  readonly intervalMs: number
  /** Between two looks while nothing happens here. */
  readonly idleIntervalMs: number
}

/** Between two looks while others hold streams that are ours; so often in a row: they may have long calls to end first. */
const HUNGRY_MS = 50
const HUNGRY_LOOKS = 20
/** So long a route may be probed already before a replica takes that upon itself whose streams are all in use: others may have a free one. */
const PROBE_PATIENCE_MS = 1_000
/** At least between any two looks. */
const MIN_MS = 20
const FAILED_MS = 1_000

/**
 * Keeps what a replica knows of limits up to date: which lanes are due, which routes are closed, how many streams are its own.
 *
 * sleeping -> looking   after the interval; earlier when tasks have become due for which nothing is known or free, when the provider has met
 *                       its limit, or when the time of a probe has come
 * looking -> sleeping   what was found is applied, and whoever waits is served. While PostgreSQL is away all stays as it was: nothing can be
 *                       claimed either
 */
export class AdmissionLoop {
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> | undefined
  private lookAgain = false
  private lastLookMs = 0
  private hungryLooks = 0
  private stopped = false
  private stopListening: () => void = () => {}

  constructor(private readonly options: AdmissionLoopOptions) {}

  start(): void {
    this.stopListening = this.options.store.onDue((lanes) => this.noticeDue(lanes))
    this.wake()
  }

  /** Resolves when no statement of it is under way any more. Idempotent. */
  async stop(): Promise<void> {
    this.stopped = true
    this.stopListening()
    clearTimeout(this.timer)
    await this.looking
    await Promise.all([this.options.breakers.whenReported(), this.options.books.whenBooked()])
  }

  /** A call of this lane, sent `ageMs` ago, was refused because there are too many. */
  noteLimitMet(lane: Lane, ageMs: number): void {
    const { limits, store, events } = this.options
    const { gate, limit } = limits.credentialGate(lane.provider)
    events.emit('limitMet', { gate })
    store.lowerLimit(gate, { ageMs, from: limit, factor: LOWER_FACTOR }).then(
      () => this.wake(),
      (error: unknown) => events.emit('failed', error),
    )
  }

  /** Streams are to be had, or to be given back. */
  noteClaimingChanged(): void {
    const hasStarted = this.timer !== undefined
    if (hasStarted) this.wake()
  }

  private noticeDue(lanes: readonly Lane[] | undefined): void {
    if (!lanes) return this.wake()
    this.options.admission.notice(lanes)
    // Others may have streams that are ours as soon as we ask for them.
    if (lanes.some((lane) => this.options.gates.freeOf(lane) < 1) && this.options.gates.inUse === 0) this.wake()
  }

  private wake(): void {
    if (this.looking) this.lookAgain = true
    else this.lookIn(Math.max(0, this.lastLookMs + MIN_MS - performance.now()))
  }

  private lookIn(delayMs: number): void {
    clearTimeout(this.timer)
    if (!this.stopped) this.timer = setTimeout(() => this.look(), delayMs)
  }

  private look(): void {
    this.lookAgain = false
    this.lastLookMs = performance.now()
    this.looking = this.update()
      .catch((error: unknown) => {
        this.options.events.emit('failed', error)
        return FAILED_MS
      })
      .then((delayMs) => {
        this.looking = undefined
        this.lookIn(this.lookAgain ? MIN_MS : delayMs)
      })
  }

  /** Returns after how many milliseconds to look again. */
  private async update(): Promise<number> {
    const { store, gates, breakers, book, admission, refused, intervalMs, idleIntervalMs } = this.options
    if (store.leaseId === null) return this.balance().then(() => intervalMs)
    const lanes = await store.listDueLanes()
    admission.notice(lanes)
    book.forgetAllBut(lanes)
    await breakers.refresh()
    await breakers.returnProbes(({ provider, model }) =>
      admission.startable.some((lane) => lane.provider === provider && lane.model === model && gates.keptOf(lane) > 0),
    )
    await breakers.seekProbes(admission.startable.filter((lane) => this.maySendProbe(lane)))
    const mustTell = await this.balance()
    admission.serve()
    const isWanting = admission.wanting.length > 0
    if (mustTell || this.isHungry(isWanting && gates.isOwed)) return HUNGRY_MS
    const delayMs = isWanting || gates.inUse > 0 ? intervalMs : idleIntervalMs
    const { startable } = admission
    return Math.max(
      MIN_MS,
      Math.min(delayMs, breakers.nextProbeMs(startable.filter((lane) => gates.freeOf(lane) > 0)), refused.nextMs(startable)),
    )
  }

  /** Where other models take every stream that becomes free, the probe has to be waiting when one does. */
  private maySendProbe(lane: Lane): boolean {
    const { gates, breakers } = this.options
    return gates.freeOf(lane) > 0 || (gates.keptOf(lane) > 0 && breakers.overdueMs(lane) > PROBE_PATIENCE_MS)
  }

  private isHungry(isOwed: boolean): boolean {
    this.hungryLooks = isOwed ? this.hungryLooks + 1 : 0
    return isOwed && this.hungryLooks <= HUNGRY_LOOKS
  }

  private async balance(): Promise<boolean> {
    const { store, gates, admission } = this.options
    const demands = gates.makeDemands(store.leaseId, admission.wanting, { keepsSpare: admission.isClaiming })
    return gates.apply(await store.balance(demands, (state) => gates.decide(state)))
  }
}
