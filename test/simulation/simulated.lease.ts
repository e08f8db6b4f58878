import { TaskError, WorkerLease, type Clock } from '#libs/kernel'
import { reapLeases, renewLease, takeLease } from '../model/model.leases.js'
import { letSuspectsOut } from '../model/model.suspects.js'
import type { ModelTables } from '../model/model.tables.js'
import type { Faults } from './faults.js'
import type { ReplicaFate } from './replica.fate.js'

const DURATION_MS = 10_000
const RENEW_MS = 2_500
const REAP_MS = 1_000

interface LeaseParts {
  readonly tables: ModelTables
  readonly clock: Clock
  readonly fate: ReplicaFate
  readonly faults: Faults
  /** Told when a task is due that was not before. */
  readonly onDue: () => void
}

/** A lease on the model that is renewed, lost and taken again as PostgresWorkerLease is, and reaps others when it has been steady. */
export class SimulatedLease extends WorkerLease {
  fence: number
  private held = new AbortController()
  private renewedAtMs: number
  private steadySinceMs: number

  constructor(private readonly parts: LeaseParts) {
    super()
    this.fence = this.take()
    this.renewedAtMs = this.steadySinceMs = parts.clock.nowMs()
    setInterval(() => this.renew(), RENEW_MS)
    setInterval(() => this.reap(), REAP_MS)
  }

  get isFresh(): boolean {
    return this.parts.clock.nowMs() - this.renewedAtMs < DURATION_MS
  }

  signal(): AbortSignal {
    return this.held.signal
  }

  private get canReach(): boolean {
    return this.parts.fate.isRunning && !this.parts.faults.isLedgerAway
  }

  private renew(): void {
    if (!this.canReach) return
    const nowMs = this.parts.clock.nowMs()
    const isOurs = renewLease(this.parts.tables, this.fence, nowMs + DURATION_MS)
    if (!isOurs || nowMs - this.renewedAtMs > DURATION_MS) this.steadySinceMs = nowMs
    this.renewedAtMs = nowMs
    if (isOurs) return
    const lost = this.held
    this.held = new AbortController()
    this.fence = this.take()
    lost.abort(new TaskError('lease_lost', 'another replica has taken the tasks', { retryable: true }))
  }

  private reap(): void {
    const nowMs = this.parts.clock.nowMs()
    if (!this.canReach || !this.isFresh || nowMs - this.steadySinceMs < DURATION_MS) return
    reapLeases(this.parts.tables, this.fence, { nowMs })
    if (letSuspectsOut(this.parts.tables, nowMs)) this.parts.onDue()
  }

  private take(): number {
    return takeLease(this.parts.tables, this.parts.clock.nowMs() + DURATION_MS)
  }
}
