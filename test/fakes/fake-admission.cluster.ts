import { FakeClock } from './fake.clock.js'
import { ModelAdmissionStore } from '../model/model.admission.js'
import { ModelTables } from '../model/model.tables.js'

/** What replicas share, in memory, on a clock that the test moves. */
export class FakeCluster {
  readonly clock = new FakeClock()
  readonly tables = new ModelTables()

  /** Another replica, with a lease of its own. */
  join() {
    const lease: { fence: number | null } = { fence: this.takeLease() }
    const store = new ModelAdmissionStore({ tables: this.tables, clock: this.clock, lease, onDue: () => () => {} })
    return { lease, store }
  }

  takeLease(): number {
    const id = this.tables.nextNumber()
    this.tables.leases.push({ id, state: 'held', expiresAtMs: Number.POSITIVE_INFINITY })
    return id
  }

  reap(id: number): void {
    for (const lease of this.tables.leases) if (lease.id === id) lease.state = 'reaped'
  }

  /** Streams of a gate that are granted under leases that are held. */
  grantedOf(gate: string): number {
    const grants = [...(this.tables.gates.get(gate)?.grants.values() ?? [])]
    return grants.filter(({ leaseId }) => this.tables.holdsLease(leaseId)).reduce((sum, { streams }) => sum + streams, 0)
  }
}
