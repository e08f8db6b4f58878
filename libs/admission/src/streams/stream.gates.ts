import type { BalanceResult, GateDecision, GateDemand, GateState, Lane } from '#libs/kernel'
import type { GateLimit } from '../limits/limits.js'
import { adaptLimit, limitNow } from './adapt-limit.js'
import { shareStreams } from './share-streams.js'

interface Gate {
  readonly gate: string
  readonly limit: number
  /** What this replica may use: in PostgreSQL it never has less. */
  kept: number
  /** What it should have; it gives back what is more as soon as that is not in use. */
  fair: number
  inUse: number
  /** How many the provider seems to bear, as of the last balance; null: as many as are configured. */
  adaptiveLimit: number | null
}

interface WantingLane {
  readonly lane: Lane
  readonly calls: number
}

export interface StreamGatesOptions {
  readonly gatesOf: (lane: Lane) => readonly GateLimit[]
  /** The lease that this replica has just now; null: none. */
  readonly leaseId: () => number | null
  readonly raiseEveryMs: number
}

/**
 * The streams of this replica: of each gate what PostgreSQL has granted it, and what is in use.
 *
 * kept grows only by the answer of a balance, after it is committed. It shrinks here first, at once, and in PostgreSQL with the next balance:
 * so all replicas together never use more than a gate has, though they ask only a few times a second.
 */
export class StreamGates {
  private readonly gates = new Map<string, Gate>()
  private leaseId: number | null = null
  private keepsSpare = true

  constructor(private readonly options: StreamGatesOptions) {}

  get kept(): number {
    return this.sum(({ kept }) => kept)
  }

  get inUse(): number {
    return this.sum(({ inUse }) => inUse)
  }

  /** Every gate that is known, for metrics. */
  get all(): readonly Readonly<Gate>[] {
    return [...this.gates.values()]
  }

  /** Makes a gate known before any lane needs it. */
  add({ gate, limit }: GateLimit): Gate {
    let known = this.gates.get(gate)
    if (!known) {
      known = { gate, limit, kept: 0, fair: 0, inUse: 0, adaptiveLimit: null }
      this.gates.set(gate, known)
    }
    return known
  }

  /** Nothing from the moment that a lease is lost until a balance has granted something under the next: others have the streams by then. */
  freeOf(lane: Lane): number {
    const free = this.of(lane).reduce((least, { kept, inUse }) => Math.min(least, kept - inUse), Number.POSITIVE_INFINITY)
    return this.options.leaseId() === this.leaseId ? free : 0
  }

  /** What this replica has of the gate of which it has the least. */
  keptOf(lane: Lane): number {
    return this.of(lane).reduce((least, { kept }) => Math.min(least, kept), Number.POSITIVE_INFINITY)
  }

  take(lane: Lane, count: number): void {
    for (const gate of this.of(lane)) gate.inUse += count
  }

  give(lane: Lane, count: number): void {
    for (const gate of this.of(lane)) {
      if (gate.inUse < count) throw new RangeError(`${count} streams of ${gate.gate} were given back, but only ${gate.inUse} are in use`)
      gate.inUse -= count
      shrink(gate)
    }
  }

  /** Nothing is sent on one idle stream of the credential before the next balance: the provider has just said that it is one too many. */
  rest(lane: Lane): void {
    const [credential] = this.of(lane)
    if (credential!.kept > credential!.inUse) credential!.kept--
  }

  /** Is its credential down to one stream, over all replicas? */
  isLastStream(lane: Lane): boolean {
    const { adaptiveLimit, limit } = this.of(lane)[0]!
    return limitNow(adaptiveLimit, limit) === 1
  }

  /**
   * `wanting`: lanes that have tasks to start, with how many calls wait for one stream; Infinity where it is not known how many there are.
   * `keepsSpare`: streams that nobody wants are kept at hand for what comes next.
   */
  makeDemands(leaseId: number | null, wanting: readonly WantingLane[], { keepsSpare = true } = {}): GateDemand[] {
    if (leaseId !== this.leaseId) this.forget(leaseId)
    this.keepsSpare = keepsSpare
    const calls = new Map<Gate, number>()
    for (const want of wanting) for (const gate of this.of(want.lane)) calls.set(gate, (calls.get(gate) ?? 0) + want.calls)
    return [...this.gates.values()].map((gate) => {
      const wanted = Math.min(gate.limit, gate.inUse + (calls.get(gate) ?? 0))
      if (!keepsSpare) {
        gate.fair = Math.min(gate.fair, wanted)
        shrink(gate)
      }
      return { gate: gate.gate, kept: gate.kept, inUse: gate.inUse, wanted }
    })
  }

  /** What a balance gives this replica of a gate. Pure. */
  decide(state: GateState): GateDecision {
    const { limit } = this.gates.get(state.gate)!
    const adaptiveLimit = adaptLimit(state, limit, this.options.raiseEveryMs)
    const { fair, streams } = shareStreams(limitNow(adaptiveLimit, limit), state.grants, state.ownLeaseId)
    if (this.keepsSpare) return { fair, streams, adaptiveLimit }
    const own = state.grants.find(({ leaseId }) => leaseId === state.ownLeaseId)!
    return { fair: Math.min(fair, own.wanted), streams: Math.max(own.streams, Math.min(streams, own.wanted)), adaptiveLimit }
  }

  /** Takes what was granted. true: there is something to give back at once. */
  apply(result: BalanceResult | null): boolean {
    if (result === null || result.leaseId !== this.leaseId) {
      this.forget(null)
      return false
    }
    let mustTell = false
    for (const { gate: name, streams, fair, adaptiveLimit } of result.shares) {
      const gate = this.gates.get(name)!
      gate.adaptiveLimit = adaptiveLimit
      gate.kept = streams
      gate.fair = fair
      shrink(gate)
      mustTell ||= gate.kept < streams
    }
    return mustTell
  }

  /** Does it have less of a gate than it should, because others have not given back yet? */
  get isOwed(): boolean {
    return [...this.gates.values()].some(({ kept, fair }) => kept < fair)
  }

  /** What was granted under a lease is gone with it; what is still in use is being aborted. */
  private forget(leaseId: number | null): void {
    this.leaseId = leaseId
    for (const gate of this.gates.values()) {
      gate.kept = gate.inUse
      gate.fair = 0
    }
  }

  private of(lane: Lane): Gate[] {
    return this.options.gatesOf(lane).map((limit) => this.add(limit))
  }

  private sum(count: (gate: Gate) => number): number {
    let total = 0
    for (const gate of this.gates.values()) if (gate.gate.startsWith('credential:')) total += count(gate)
    return total
  }
}

function shrink(gate: Gate): void {
  if (gate.kept > gate.fair) gate.kept = Math.max(gate.inUse, gate.fair)
}
