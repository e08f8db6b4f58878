/** A lease of another replica, as a reaper finds it. */
export interface WatchedLease {
  readonly id: number
  /** Changes with every renewal. */
  readonly renewedAt: string
  readonly durationMs: number
}

/**
 * Which leases have not been renewed for as long as they last, by this process's own clock. That they have expired is a matter of
 * PostgreSQL's: when that steps forward, at a failover or by NTP, all of them have, although their holders are well.
 */
export class LeaseWatch {
  private readonly seen = new Map<number, { readonly renewedAt: string; readonly sinceMs: number }>()

  /** All leases of others that are held; returns the ids of the silent ones. */
  look(leases: readonly WatchedLease[], nowMs: number): number[] {
    const held = new Set(leases.map(({ id }) => id))
    for (const id of this.seen.keys()) if (!held.has(id)) this.seen.delete(id)
    return leases.filter((lease) => this.isSilent(lease, nowMs)).map(({ id }) => id)
  }

  private isSilent({ id, renewedAt, durationMs }: WatchedLease, nowMs: number): boolean {
    let last = this.seen.get(id)
    if (last?.renewedAt !== renewedAt) {
      last = { renewedAt, sinceMs: nowMs }
      this.seen.set(id, last)
    }
    return nowMs - last.sinceMs >= durationMs
  }
}
