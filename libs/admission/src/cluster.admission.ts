import {
  Admission,
  makeLaneKey,
  type AttemptUsage,
  type ClaimedTask,
  type ClaimRoom,
  type Lane,
  type LaneRoom,
  type StreamUse,
} from '#libs/kernel'
import type { FairShare, LaneShare } from './lanes/fair.share.js'
import type { LaneBook } from './lanes/lane.book.js'
import { judgeCall } from './routes/judge-call.js'
import type { RouteBreakers } from './routes/route.breakers.js'
import type { ClaimMetering } from './meters/claim.metering.js'
import type { RefusedLanes } from './meters/refused.lanes.js'
import type { UsageBooks } from './meters/usage.books.js'
import { StreamWaiters } from './stream-waiters.js'
import type { StreamGates } from './streams/stream.gates.js'

export interface ClusterAdmissionOptions {
  readonly gates: StreamGates
  readonly breakers: RouteBreakers
  readonly book: LaneBook
  readonly shares: FairShare
  readonly books: UsageBooks
  readonly refused: RefusedLanes
  /** A call that was sent `ageMs` ago was refused because there are too many. */
  readonly onLimitMet: (lane: Lane, ageMs: number) => void
  /** This replica has begun to claim tasks, or no longer does. */
  readonly onClaimingChanged: () => void
}

const NOTHING: ClaimRoom = { kind: 'due', tasks: 0, lanes: [] }

/** A lane that could start something now. */
interface Candidate {
  readonly share: LaneShare
  readonly isProbe: boolean
  tasks: number
}

/**
 * Admission over all replicas, from what this one knows of it: its streams (StreamGates), the breakers of routes (RouteBreakers), the lanes
 * that have due tasks (LaneBook), and who goes first (FairShare). It decides at once and without PostgreSQL; AdmissionLoop keeps what it
 * knows up to date. A refusal takes nothing: a stream of all gates of a lane is taken together or not at all.
 */
export class ClusterAdmission extends Admission {
  private readonly waiters = new StreamWaiters()
  private readonly listeners = new Set<() => void>()
  private claiming = true

  constructor(private readonly options: ClusterAdmissionOptions) {
    super()
  }

  get limit(): number {
    return this.options.gates.kept
  }

  get inUse(): number {
    return this.options.gates.inUse
  }

  /** Lanes that could use streams: with due tasks, or with tasks that wait for one. */
  get wanting(): { readonly lane: Lane; readonly calls: number }[] {
    const due = this.dueLanes.filter((lane) => this.mayAsk(lane)).map((lane) => ({ lane, calls: Number.POSITIVE_INFINITY }))
    return [...due, ...this.waiters.lanes.map((lane) => ({ lane, calls: 1 }))]
  }

  /** Lanes of which something could start here: with due tasks that this replica may claim, or with tasks that wait for a stream. */
  get startable(): readonly Lane[] {
    return [...new Map([...this.dueLanes, ...this.waiters.lanes].map((lane) => [makeLaneKey(lane), lane])).values()]
  }

  get isClaiming(): boolean {
    return this.claiming
  }

  noteClaiming(isClaiming: boolean): void {
    if (this.claiming === isClaiming) return
    this.claiming = isClaiming
    this.options.onClaimingChanged()
  }

  takeRoom(wanted: number): ClaimRoom {
    const { book, shares } = this.options
    // Before it is charged with what it takes: the first one also has the first word where a meter does not suffice for all.
    const candidates = shares.inOrder(book.due.flatMap((lane) => this.makeCandidates(shares.of(lane))))
    if (candidates.length === 1 && !candidates[0]!.isProbe) {
      const [only] = candidates as [Candidate]
      this.take(only, Math.min(wanted, this.options.gates.freeOf(only.share.lane)))
    } else {
      for (let left = wanted; left > 0; left--) if (!this.takeOne(candidates)) break
    }
    return this.makeRoom('due', candidates)
  }

  takeRoomFor(lanes: readonly Lane[]): ClaimRoom {
    const { book, books, gates, shares } = this.options
    const groups = Map.groupBy(lanes, makeLaneKey)
    const candidates: Candidate[] = []
    for (const [lane, ...others] of groups.values()) {
      // A claim asks the meters; accepting does not.
      if (book.isDue(lane!) || this.admitted(lane!) !== 'calls' || books.isMetered(lane!)) continue
      const share = shares.of(lane!)
      const candidate = { share, isProbe: false, tasks: 0 }
      this.take(candidate, Math.min(1 + others.length, gates.freeOf(share.lane)))
      candidates.push(candidate)
    }
    return this.makeRoom('accepted', candidates)
  }

  settleRoom({ kind, lanes, metering }: ClaimRoom, claimed?: readonly ClaimedTask[]): void {
    const byLane = Map.groupBy(claimed ?? [], makeLaneKey)
    // What one of them could not have, another one may have got before it.
    if (metering && claimed) lanes.forEach((lane) => this.options.refused.forget(lane))
    for (const room of lanes) {
      if (kind === 'due') this.options.book.endClaim(room)
      const ofLane = claimed && (byLane.get(makeLaneKey(room)) ?? [])
      this.settleLane(room, ofLane)
      const refusal = metering?.refusalOf(room)
      if (refusal) this.options.refused.note(room, refusal)
      // There may be more; or nobody knows, because the claim has failed.
      if (kind === 'due' && (ofLane === undefined || ofLane.length === room.tasks || refusal)) this.options.book.notice([room])
    }
    this.serve()
  }

  async acquire(lane: Lane, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const taken = this.tryTake(lane)
    if (taken === true) return
    if (taken !== false) throw taken
    await this.waiters.wait(lane, signal)
  }

  release(lane: Lane, { heldMs, call }: StreamUse): void {
    const { gates, shares, breakers, onLimitMet } = this.options
    const verdict = call === undefined ? 'nothing' : judgeCall(call, { isLastStream: gates.isLastStream(lane) })
    gates.give(lane, 1)
    // How long a refused connection takes says nothing of the calls to come.
    shares.end(shares.of(lane), heldMs, { isTypical: verdict === 'works' })
    if (verdict === 'busy' || verdict === 'exhausted') {
      gates.rest(lane)
      onLimitMet(lane, heldMs)
    }
    breakers.note(lane, { verdict, heldMs, ...(call?.error && { reason: call.error.code, retryAfterMs: call.error.retryAfterMs }) })
    this.serve()
  }

  makeMetering(lane: Lane): ClaimMetering | undefined {
    return this.options.books.makeMetering([lane])
  }

  book(task: ClaimedTask, usage: AttemptUsage): void {
    this.options.books.book(task, usage)
  }

  costOf(lane: Lane, usage: NonNullable<AttemptUsage['usage']>): number | undefined {
    return this.options.books.costOf(lane, usage)
  }

  onRoom(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Tasks of these lanes may be due. */
  notice(lanes: Iterable<Lane>): void {
    const { book, shares } = this.options
    const woken = book.notice(lanes)
    // One for which a claim is under way has not paused.
    for (const lane of woken) if (!book.isBeingClaimed(lane)) shares.wake(shares.of(lane))
    if (woken.length > 0) this.announce()
  }

  /** Something that limits calls may have changed: first those that wait, then the next claim. */
  serve(): void {
    const { shares } = this.options
    const nextOf = (lanes: readonly Lane[]) => shares.first(lanes.map((lane) => shares.of(lane)))?.lane
    this.waiters.serve((lane) => this.tryTake(lane), nextOf)
    this.announce()
  }

  private get dueLanes(): readonly Lane[] {
    return this.claiming ? this.options.book.due : []
  }

  private announce(): void {
    this.listeners.forEach((listener) => listener())
  }

  private settleLane(room: LaneRoom, claimed: readonly ClaimedTask[] | undefined): void {
    const { gates, shares, breakers } = this.options
    const used = claimed?.filter(({ attempt }) => attempt !== null).length ?? 0
    const unused = room.tasks - used
    if (unused > 0) {
      gates.give(room, unused)
      shares.takeBack(shares.of(room), unused)
    }
    if (used > 0) shares.begin(shares.of(room), used)
    if (!room.isProbe || used > 0) return
    breakers.holdProbe(room)
    if (claimed?.length === 0) void breakers.returnProbe(room).catch(() => {})
  }

  private tryTake(lane: Lane): boolean | Error {
    const { breakers, gates, shares } = this.options
    const admitted = this.admitted(lane)
    if (admitted === 'nothing') return breakers.makeRefusal(lane)
    if (gates.freeOf(lane) < 1) return false
    if (admitted === 'probe') breakers.useProbe(lane)
    gates.take(lane, 1)
    shares.start(shares.of(lane), 1)
    return true
  }

  private admitted(lane: Lane): 'calls' | 'probe' | 'nothing' {
    return this.options.breakers.admits(lane)
  }

  private mayAsk(lane: Lane): boolean {
    return this.admitted(lane) !== 'nothing' && !this.options.refused.blocks(lane)
  }

  private makeCandidates(share: LaneShare): Candidate[] {
    const admitted = this.admitted(share.lane)
    const mayAsk = this.mayAsk(share.lane)
    if (!mayAsk) this.holdBack(share)
    return mayAsk ? [{ share, isProbe: admitted === 'probe', tasks: 0 }] : []
  }

  private holdBack(share: LaneShare): void {
    const { refused, shares } = this.options
    if (this.admitted(share.lane) !== 'nothing' && refused.isInTurn(share.lane)) shares.keepTurn(share)
    // The time for which its own route or budget holds it back is no credit.
    else shares.wake(share)
  }

  private takeOne(candidates: readonly Candidate[]): boolean {
    const { gates, shares } = this.options
    const able = candidates.filter(
      ({ share, isProbe, tasks }) => gates.freeOf(share.lane) > 0 && !(isProbe && !this.mayProbe(share.lane, tasks)),
    )
    const first = shares.first(able.map(({ share }) => share))
    if (!first) return false
    this.take(
      able.find(({ share }) => share === first)!,
      1,
    )
    return true
  }

  /** Of a route that is probed one call may start, of whatever lane. */
  private mayProbe(lane: Lane, tasks: number): boolean {
    return tasks === 0 && this.admitted(lane) === 'probe'
  }

  private take(candidate: Candidate, tasks: number): void {
    if (tasks <= 0) return
    const { gates, shares, breakers } = this.options
    gates.take(candidate.share.lane, tasks)
    shares.reserve(candidate.share, tasks)
    if (candidate.isProbe) breakers.useProbe(candidate.share.lane)
    candidate.tasks += tasks
  }

  private makeRoom(kind: ClaimRoom['kind'], candidates: readonly Candidate[]): ClaimRoom {
    const lanes = candidates.flatMap(({ share, isProbe, tasks }) => (tasks > 0 ? [{ ...share.lane, tasks, isProbe }] : []))
    if (lanes.length === 0) return NOTHING
    if (kind === 'due') lanes.forEach((lane) => this.options.book.startClaim(lane))
    const metering = kind === 'due' ? this.options.books.makeMetering(lanes) : undefined
    return { kind, ...(metering && { metering }), tasks: lanes.reduce((sum, { tasks }) => sum + tasks, 0), lanes }
  }
}
