import type { AdmissionStore, Clock, Lane } from '#libs/kernel'
import type { AdmissionEvents } from './admission.events.js'
import { AdmissionLoop } from './admission.loop.js'
import type { AdmissionSettings } from './admission.settings.js'
import { ClusterAdmission } from './cluster.admission.js'
import { LimitGates } from './gates/limit.gates.js'
import { FairShare } from './lanes/fair.share.js'
import { LaneBook } from './lanes/lane.book.js'
import { Limits } from './limits/limits.js'
import { RefusedLanes } from './meters/refused.lanes.js'
import { UsageBooks } from './meters/usage.books.js'
import { RouteBreakers } from './routes/route.breakers.js'
import { StreamGates } from './streams/stream.gates.js'

/** Where the streams come from that LIMITS_FILE says nothing of. */
export interface StreamSettings {
  /** Of each credential, over all replicas. */
  readonly maxStreams: number
  /** Those that are configured. */
  readonly providers: readonly string[]
}

export interface AdmissionParts {
  readonly admission: ClusterAdmission
  readonly loop: AdmissionLoop
  readonly gates: StreamGates
  readonly breakers: RouteBreakers
  readonly limits: Limits
  /** What this replica would decide, for whoever only looks. */
  readonly laneGates: LimitGates
}

/** Nothing is admitted before the loop is started. */
export function createAdmission(
  store: AdmissionStore,
  clock: Clock,
  events: AdmissionEvents,
  settings: AdmissionSettings,
  streams: StreamSettings,
): AdmissionParts {
  const limits = new Limits(settings.limits, streams.maxStreams)
  const gates = new StreamGates({
    gatesOf: (lane) => limits.gatesOf(lane),
    leaseId: () => store.leaseId,
    raiseEveryMs: settings.raiseEveryMs,
  })
  streams.providers.forEach((provider) => gates.add(limits.credentialGate(provider)))
  const breakers = new RouteBreakers({ store, clock, events, settings: settings.breakers })
  const book = new LaneBook()
  const shares = new FairShare((tenant) => limits.weightOf(tenant))
  const refused = new RefusedLanes(clock, (lane) => limits.metersOf(lane))
  const onBooked = (lanes: readonly Lane[]) => {
    lanes.forEach((lane) => refused.forget(lane))
    admission.serve()
  }
  const books = new UsageBooks({ limits, store, events, nowMs: () => clock.nowMs(), onBooked })
  const admission: ClusterAdmission = new ClusterAdmission({
    gates,
    breakers,
    book,
    shares,
    books,
    refused,
    onLimitMet: (lane, ageMs) => loop.noteLimitMet(lane, ageMs),
    onClaimingChanged: () => loop.noteClaimingChanged(),
  })
  const { intervalMs, idleIntervalMs } = settings
  const loop = new AdmissionLoop({ store, admission, gates, breakers, book, books, refused, limits, events, intervalMs, idleIntervalMs })
  const laneGates = new LimitGates({ limits, ratioOf: (lane) => books.ratioOf(lane) })
  return { admission, loop, gates, breakers, limits, laneGates }
}
