import type { ModelTables, QueuedTask } from './model.tables.js'

const DAY_MS = 86_400_000
const UNCLAIMED_MS = 30_000
const DOUBLING_MS = 1_000

/** A suspect that nobody claims until it is let out. */
export function park(row: QueuedTask, nowMs: number): void {
  const deadlineMs = row.task.deadlineMs ?? Number.POSITIVE_INFINITY
  row.suspectSinceMs = nowMs
  row.runAtMs = nowMs + Math.min(DAY_MS, deadlineMs > nowMs ? deadlineMs - nowMs + 1_000 : DAY_MS)
}

/** After one death, in no call of it: as due as any other task. */
export function isRoaming({ deaths, crashes, maybePaid }: QueuedTask): boolean {
  return deaths === 1 && crashes === 0 && maybePaid === 0
}

/** Few at a time, more of them the longer nobody dies; after them, those that have met two deaths, alone. Returns whether any was let out. */
export function letSuspectsOut(tables: ModelTables, nowMs: number): boolean {
  const suspects = [...tables.queue.values()].filter((row) => row.suspectSinceMs !== null && !isRoaming(row))
  const isOut = (row: QueuedTask) => row.state === 'running' || (row.state === 'pending' && row.runAtMs <= nowMs)
  suspects
    .filter((row) => row.state === 'pending' && isOut(row) && Math.max(row.runAtMs, row.suspectSinceMs!) < nowMs - UNCLAIMED_MS)
    .forEach((row) => park(row, nowMs))
  const out = suspects.filter(isOut)
  const parked = suspects
    .filter((row) => row.state === 'pending' && row.isHead && !isOut(row))
    .toSorted((a, b) => a.crashes - b.crashes || a.suspectSinceMs! - b.suspectSinceMs! || a.id - b.id)
  const room = out.some(isIsolated) ? 0 : Math.max(0, mayBeOut(tables, nowMs) - out.length)
  const eased = parked.filter((row) => !isIsolated(row)).slice(0, room)
  const next = eased.length > 0 ? eased : parked.filter(isIsolated).slice(0, out.length === 0 ? 1 : 0)
  next.forEach((row) => {
    row.suspectSinceMs = nowMs
    row.runAtMs = row.acceptedAtMs
  })
  return next.length > 0
}

function isIsolated({ deaths, crashes }: QueuedTask): boolean {
  return deaths > 1 || crashes > 0
}

function mayBeOut({ leases }: ModelTables, nowMs: number): number {
  const lastDeathMs = Math.max(...leases.map(({ reapedAtMs }) => reapedAtMs ?? Number.NEGATIVE_INFINITY))
  return 2 ** Math.min(12, Math.floor((nowMs - lastDeathMs) / DOUBLING_MS))
}
