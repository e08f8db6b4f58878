import { EventEmitter } from 'node:events'
import type { RouteState } from '#libs/kernel'

interface AdmissionEventMap {
  /** The breaker of a route has opened, been probed or closed, here or on another replica. */
  routeChanged: [state: RouteState]
  /** The provider has too many calls: the streams of its credential go down. */
  limitMet: [{ readonly gate: string }]
  /** PostgreSQL could not be asked; it will be again. */
  failed: [error: unknown]
}

/** Every decision of admission. Metrics and logs are made of them and of nothing else. */
export class AdmissionEvents extends EventEmitter<AdmissionEventMap> {}
