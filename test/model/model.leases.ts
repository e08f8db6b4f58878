import { isRoaming, park } from './model.suspects.js'
import { endUnknown } from './model.transitions.js'
import type { ModelTables, QueuedTask } from './model.tables.js'

export interface ModelFreed {
  readonly tasks: number
  readonly maybePaid: number
}

interface Freeing {
  readonly nowMs: number
  /** What it adds to the crashes of a lone suspect; 0: a lease that was given back makes no suspects either. */
  readonly crashes: 0 | 1
}

export function takeLease({ leases }: ModelTables, expiresAtMs: number): number {
  const id = leases.length + 1
  leases.push({ id, state: 'held', expiresAtMs })
  return id
}

/** true as long as nobody has reaped it, also after its expiry: expiry alone frees nothing. */
export function renewLease({ leases }: ModelTables, id: number, expiresAtMs: number): boolean {
  const lease = leases.find((row) => row.id === id && row.state === 'held')
  if (lease) lease.expiresAtMs = expiresAtMs
  return lease !== undefined
}

/** Ends the expired leases of others and frees what was held under them. */
export function reapLeases(tables: ModelTables, ownId: number, options: Omit<Freeing, 'crashes'>): ModelFreed {
  for (const lease of tables.leases) {
    if (lease.id !== ownId && lease.state === 'held' && lease.expiresAtMs < options.nowMs) {
      lease.state = 'reaped'
      lease.reapedAtMs = options.nowMs
    }
  }
  return freeTasks(tables, { ...options, crashes: 1 })
}

/** Gives a lease back. */
export function releaseLease(tables: ModelTables, id: number, options: Omit<Freeing, 'crashes'>): ModelFreed {
  const lease = tables.leases.find((row) => row.id === id && row.state === 'held')
  if (lease) lease.state = 'released'
  return freeTasks(tables, { ...options, crashes: 0 })
}

/** Under a lease that goes on: what its holder does not know to hold was never sent, and goes back at once. */
export function releaseUnknown(tables: ModelTables, leaseId: number, held: ReadonlyMap<number, number>): void {
  for (const row of tables.queue.values()) {
    if (row.state !== 'running' || row.leaseId !== leaseId || held.get(row.id) === row.claims) continue
    row.attempts -= endUnknown(tables, row)
    row.state = 'pending'
    row.leaseId = null
    row.reason = 'claim_lost'
  }
}

function freeTasks(tables: ModelTables, freeing: Freeing): ModelFreed {
  const orphans = [...tables.queue.values()].filter(({ state, leaseId }) => state === 'running' && !tables.holdsLease(leaseId!))
  const suspects = orphans.filter(({ suspectSinceMs }) => suspectSinceMs !== null)
  const lone = suspects.filter((row) => suspects.every((other) => other === row || other.leaseId !== row.leaseId))
  lone.forEach((row) => (row.crashes += freeing.crashes))
  const maybePaid = orphans.filter((row) => freeTask(tables, row, freeing)).length
  return { tasks: orphans.length, maybePaid }
}

/** A call that was under way may have been paid for: its task is prepared, that is judged, before it runs again. Returns whether it was one. */
function freeTask(tables: ModelTables, row: QueuedTask, { nowMs, crashes }: Freeing): boolean {
  row.state = 'pending'
  row.leaseId = null
  row.reason = 'lease_lost'
  row.runAtMs = nowMs
  row.deaths += crashes
  const attempt = tables.attemptOf(row.id, row.sends)
  const isBroken = attempt?.state === 'sending'
  if (isBroken) {
    attempt.state = 'maybe_paid'
    attempt.errorCode = 'lease_lost'
    row.prepare = true
    row.maybePaid++
    if (attempt.counted) row.attempts--
  }
  if (row.deaths === 0) row.suspectSinceMs = null
  else if (isRoaming(row)) row.suspectSinceMs = nowMs
  else park(row, nowMs)
  return isBroken
}
