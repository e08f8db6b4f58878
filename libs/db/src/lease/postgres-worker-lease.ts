import { EventEmitter } from 'node:events'
import { TaskError, WorkerLease } from '#libs/kernel'
import { acquireLease, listOtherLeases, reapLeases, releaseLease, renewLease, type FreedTasks } from './lease.statements.js'
import { LeaseWatch } from './lease.watch.js'
import { letSuspectsOut } from './suspect.statements.js'
import type { HotPool } from '../connection/hot-pool.js'

interface LeaseEvents {
  acquired: [fence: number]
  lost: [fence: number]
  reaped: [freed: FreedTasks]
  /** A suspect is due. */
  suspect: []
  released: [freed: FreedTasks]
  error: [error: unknown]
}

export interface LeaseOptions {
  /** Who holds it, for people: host, process, start. */
  readonly worker: string
  readonly durationMs: number
  /** Where renewals go, closed with the lease: small, with short time limits. The hot pool where left out. */
  readonly renewals?: HotPool
  /** What dead workers have left behind, to be brought in before their tasks are freed. A reaping that finds it failing is left for the next time. */
  readonly beforeReaping?: () => Promise<void>
}

/** A renewal is due four times in a lease, a reaping at least ten times in the default one. */
const RENEWALS_PER_LEASE = 4
const REAP_INTERVAL_MS = 1_000

/**
 * The lease of this replica, and the reaper of others', which also lets their tasks out again, one by one.
 *
 * none -> held      a row is inserted; tasks may be claimed
 * held -> held      renewed every quarter of its duration. A renewal that fails on PostgreSQL's silence changes nothing: while PostgreSQL is
 *                   away nobody can reap, and a renewal succeeds for as long as nobody has
 * held -> none      a renewal finds the row reaped: the signal aborts every call of this lease, and a new lease is taken
 * held -> released  at a stop, after the work: whatever is left is free for others at once
 *
 * Renewals have a connection of their own with short time limits, and never wait for reaping: a hot pool that is full, or a connection that
 * has died, must not cost a healthy replica its lease.
 *
 * It reaps others only after it has renewed its own lease without a gap for a whole lease period: the first replica to come back after
 * an outage would otherwise take everybody's work while they still run it. And it reaps only what it has seen unrenewed for a lease period
 * of its own clock, since PostgreSQL's may step.
 */
export class PostgresWorkerLease extends WorkerLease {
  readonly events = new EventEmitter<LeaseEvents>()
  private held: { readonly id: number; readonly abort: AbortController } | null = null
  private steadySinceMs = Number.POSITIVE_INFINITY
  private renewedAtMs = 0
  private timers: NodeJS.Timeout[] = []
  private readonly watch = new LeaseWatch()
  private stopped = false
  private readonly busy = new Map<'renew' | 'reap', Promise<void>>()

  constructor(
    private readonly pool: HotPool,
    private readonly options: LeaseOptions,
  ) {
    super()
    // An emitter without this listener would throw what it reports.
    this.events.on('error', () => {})
  }

  get fence(): number | null {
    return this.held?.id ?? null
  }

  /** Nobody can have reaped a lease whose last renewal is younger than its duration. */
  get isFresh(): boolean {
    return this.held !== null && performance.now() - this.renewedAtMs < this.options.durationMs
  }

  signal(): AbortSignal {
    return this.held?.abort.signal ?? AbortSignal.abort(makeLostError())
  }

  /** Takes the first lease, then keeps it until `stop`. Rejects when PostgreSQL cannot be reached; it may be called again then. */
  async start(): Promise<void> {
    await this.acquire()
    const renewEveryMs = this.options.durationMs / RENEWALS_PER_LEASE
    const reapEveryMs = Math.min(REAP_INTERVAL_MS, this.options.durationMs / 2)
    this.timers = [setInterval(() => this.run('renew'), renewEveryMs), setInterval(() => this.run('reap'), reapEveryMs)]
    this.run('reap')
  }

  /**
   * Gives the lease back, or leaves it to expire where answers of its calls are not in the ledger: given back, these calls would be made
   * again before anybody has brought the answers in. Idempotent. Call it when nothing runs any more.
   */
  async stop({ leaves = false }: { readonly leaves?: boolean } = {}): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    this.timers.forEach((timer) => clearInterval(timer))
    await Promise.all(this.busy.values())
    const { held } = this
    this.held = null
    await this.options.renewals?.close()
    if (held && !leaves) this.events.emit('released', await releaseLease(this.pool, held.id))
  }

  /** Each kind runs once at a time: what hangs must not pile up behind itself. */
  private run(kind: 'renew' | 'reap'): void {
    if (this.stopped || this.busy.has(kind)) return
    const work = (kind === 'renew' ? this.renew() : this.reap())
      .catch((error: unknown) => void this.events.emit('error', error))
      .finally(() => this.busy.delete(kind))
    this.busy.set(kind, work)
  }

  private async acquire(): Promise<void> {
    const askedMs = performance.now()
    const id = await acquireLease(this.pool, this.options.worker, this.options.durationMs)
    this.held = { id, abort: new AbortController() }
    this.renewedAtMs = askedMs
    this.steadySinceMs = askedMs
    this.events.emit('acquired', id)
  }

  private async renew(): Promise<void> {
    if (!this.held) return this.acquire()
    const { id } = this.held
    // The time of the question, not of the answer: the database counts from somewhere in between.
    const askedMs = performance.now()
    if (await renewLease(this.options.renewals ?? this.pool, id, this.options.durationMs)) {
      if (askedMs - this.renewedAtMs > this.options.durationMs) this.steadySinceMs = askedMs
      this.renewedAtMs = askedMs
      return
    }
    this.lose()
    await this.acquire()
  }

  private lose(): void {
    const { held } = this
    if (!held) return
    this.held = null
    held.abort.abort(makeLostError())
    this.events.emit('lost', held.id)
  }

  private async reap(): Promise<void> {
    if (!this.held || !this.isFresh) return
    // Watched from the beginning, so that the watch is over when this lease is steady.
    const silent = this.watch.look(await listOtherLeases(this.pool, this.held.id), performance.now())
    if (performance.now() - this.steadySinceMs < this.options.durationMs) return
    await this.options.beforeReaping?.()
    const freed = await reapLeases(this.pool, silent)
    if (freed.tasks > 0) this.events.emit('reaped', freed)
    if (await letSuspectsOut(this.pool)) this.events.emit('suspect')
  }
}

function makeLostError(): TaskError {
  return new TaskError('lease_lost', 'this replica has lost its lease: its tasks belong to another one', { retryable: true })
}
