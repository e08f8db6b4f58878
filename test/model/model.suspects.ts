import type { ModelTables, QueuedTask } from './model.tables.js'

const DAY_MS = 86_400_000
const UNCLAIMED_MS = 30_000

/** A suspect that nobody claims until it is let out. */
export function park(row: QueuedTask, nowMs: number): void {
  const deadlineMs = row.task.deadlineMs ?? Number.POSITIVE_INFINITY
  row.suspectSinceMs = nowMs
  row.runAtMs = nowMs + Math.min(DAY_MS, deadlineMs > nowMs ? deadlineMs - nowMs + 1_000 : DAY_MS)
}

/** One suspect at a time, those first that no death counts against. Returns whether one was let out. */
export function letSuspectOut({ queue }: ModelTables, nowMs: number): boolean {
  const suspects = [...queue.values()].filter(({ suspectSinceMs }) => suspectSinceMs !== null)
  const isOut = (row: QueuedTask) => row.state === 'running' || (row.state === 'pending' && row.runAtMs <= nowMs)
  suspects
    .filter((row) => row.state === 'pending' && isOut(row) && Math.max(row.runAtMs, row.suspectSinceMs!) < nowMs - UNCLAIMED_MS)
    .forEach((row) => park(row, nowMs))
  const next = suspects
    .filter((row) => row.state === 'pending' && row.isHead)
    .toSorted((a, b) => a.crashes - b.crashes || a.suspectSinceMs! - b.suspectSinceMs! || a.id - b.id)[0]
  if (!next || suspects.some(isOut)) return false
  next.suspectSinceMs = nowMs
  next.runAtMs = next.acceptedAtMs
  return true
}
