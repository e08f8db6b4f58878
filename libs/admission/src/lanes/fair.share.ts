import { makeLaneKey, type Lane } from '#libs/kernel'

/** Of a route nobody has called yet. */
const FIRST_GUESS_MS = 1_000
/** Weight of the newest call in the mean. */
const NEWEST = 0.1
/** So far behind may a lane stay that waits for a limit which others use up, in stream-milliseconds for its weight. */
const MAX_TURN_MS = 10_000

/** Whoever takes part in a sharing, and those that share what it gets. */
class Share {
  /** Stream-milliseconds for its weight. */
  used = 0
  /** How far those below it have come that are served. */
  now = 0

  constructor(readonly above?: Share) {}
}

interface Route {
  meanMs: number
}

/** The place of a lane in the sharing. */
export interface LaneShare {
  readonly lane: Lane
  readonly own: Share
  readonly tenant: Share
  readonly route: Route
  readonly weight: number
}

/**
 * Start-time fair queueing by stream-time: whoever has used the fewest stream-milliseconds for its weight goes first. Two levels: tenants of
 * a provider, and the lanes of a tenant, so that neither a busy tenant nor a slow model keeps the others waiting.
 *
 * A call is charged with what calls of its route take on average when it starts, and corrected when it ends. Whoever comes back after a
 * pause starts from now: an idle time is no credit. Each replica shares out its own streams; since all see the same tasks, that makes the
 * shares of the cluster.
 */
export class FairShare {
  private readonly shares = new Map<string, Share>()
  private readonly routes = new Map<string, Route>()
  private readonly lanes = new Map<string, LaneShare>()

  constructor(private readonly weightOf: (tenant: string) => number) {}

  of({ provider, model, tenant }: Lane): LaneShare {
    const lane = { provider, model, tenant }
    const key = makeLaneKey(lane)
    let known = this.lanes.get(key)
    if (!known) {
      const ofTenant = this.shareOf(`${provider}\n${tenant}`, this.shareOf(provider))
      const route = this.routes.get(`${provider}\n${model}`) ?? { meanMs: FIRST_GUESS_MS }
      this.routes.set(`${provider}\n${model}`, route)
      known = { lane, own: new Share(ofTenant), tenant: ofTenant, route, weight: this.weightOf(tenant) }
      this.lanes.set(key, known)
    }
    return known
  }

  /** The one that goes first; the earlier one of two equals. */
  first(candidates: readonly LaneShare[]): LaneShare | undefined {
    let best: LaneShare | undefined
    for (const candidate of candidates) if (!best || precedes(candidate, best)) best = candidate
    return best
  }

  /** Those that go first, first. */
  inOrder<T extends { readonly share: LaneShare }>(items: readonly T[]): T[] {
    return items.toSorted(({ share: a }, { share: b }) => a.tenant.used - b.tenant.used || a.own.used - b.own.used)
  }

  /** The lane has tasks again. */
  wake({ own, tenant }: LaneShare): void {
    lift(tenant, 0)
    lift(own, 0)
  }

  /** The lane waits while others use what it waits for: that is no pause, and its turn is kept, though not without end. */
  keepTurn({ own, tenant }: LaneShare): void {
    lift(tenant, MAX_TURN_MS)
    lift(own, MAX_TURN_MS)
  }

  start(share: LaneShare, calls: number): void {
    this.reserve(share, calls)
    this.begin(share, calls)
  }

  /** Calls that may start, or be taken back: those that come back from a pause do not start behind them. */
  reserve(share: LaneShare, calls: number): void {
    charge(share, calls * share.route.meanMs)
  }

  /** Calls that were reserved have started. */
  begin(share: LaneShare, calls: number): void {
    const reserved = (calls * share.route.meanMs) / share.weight
    advance(share.tenant, reserved)
    advance(share.own, reserved)
  }

  /** Streams that were reserved and not used. */
  takeBack(share: LaneShare, calls: number): void {
    charge(share, -calls * share.route.meanMs)
  }

  /** `isTypical`: later calls may take as long as this one. */
  end(share: LaneShare, heldMs: number, { isTypical }: { readonly isTypical: boolean }): void {
    const difference = heldMs - share.route.meanMs
    charge(share, difference)
    if (isTypical) share.route.meanMs += difference * NEWEST
  }

  private shareOf(key: string, above?: Share): Share {
    const share = this.shares.get(key) ?? new Share(above)
    this.shares.set(key, share)
    return share
  }
}

function precedes(a: LaneShare, b: LaneShare): boolean {
  return a.tenant === b.tenant ? a.own.used < b.own.used : a.tenant.used < b.tenant.used
}

function charge({ own, tenant, weight }: LaneShare, streamMs: number): void {
  own.used += streamMs / weight
  tenant.used += streamMs / weight
}

function lift(share: Share, behind: number): void {
  share.used = Math.max(share.used, share.above!.now - behind)
}

function advance(share: Share, reserved: number): void {
  share.above!.now = Math.max(share.above!.now, share.used - reserved)
}
