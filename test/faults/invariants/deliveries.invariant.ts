import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** I1: every acknowledged delivery is accepted or rejected, as its producer expects, and every task has exactly one terminal record. */
export function checkDeliveries({ acked, ledger }: Evidence): Violation[] {
  const violations: Violation[] = []
  const report = (problem: string, evidence: unknown) => violations.push({ invariant: 'I1', problem, evidence })
  const accepted = new Set(ledger.tasks.map(placeOf))
  const rejected = new Map(ledger.rejections.map((row) => [placeOf(row), row.error_code]))
  const known = new Set(ledger.tasks.map(({ task_id }) => task_id))
  const ends = Map.groupBy(ledger.runs, ({ task_id }) => task_id)
  for (const delivery of acked) {
    const { fate } = delivery
    const place = placeOf(delivery)
    if (fate.kind === 'rejected') {
      if (rejected.get(place) !== fate.code)
        report('a bad delivery has no rejection', { place, expected: fate.code, got: rejected.get(place) })
      continue
    }
    if (rejected.has(place)) report('a good delivery was rejected', { place, fate, code: rejected.get(place) })
    if (!known.has(fate.taskId)) report('a delivery was lost', { place, fate })
    if (fate.kind === 'repeat') continue
    if (!accepted.has(place)) report('a task was accepted from another record than its first', { place, fate })
    const count = ends.get(fate.taskId)?.length ?? 0
    if (count !== 1) report('a task has not exactly one terminal record', { taskId: fate.taskId, count })
  }
  const expected = acked.filter(({ fate }) => fate.kind === 'task').length
  if (ledger.tasks.length !== expected) report('the ledger has tasks that nobody sent', { expected, got: ledger.tasks.length })
  return violations
}

export function placeOf({ topic, partition, offset }: { topic: string; partition: number; offset: string | bigint }): string {
  return `${topic}/${partition}/${offset}`
}
