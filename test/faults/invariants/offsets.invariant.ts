import type { Acknowledged } from '#tools/rig'
import { placeOf } from './deliveries.invariant.js'
import type { AckedRecord } from './journal.js'
import type { LedgerSnapshot } from './ledger.snapshot.js'
import type { Violation } from './violation.js'

/** I8: whatever lies before a committed offset is in the ledger. Holds at any moment, also right after a kill. */
export function checkOffsets(
  acked: readonly AckedRecord[],
  committed: readonly Acknowledged[],
  ledger: Pick<LedgerSnapshot, 'tasks' | 'rejections'>,
): Violation[] {
  const stored = new Set([...ledger.tasks, ...ledger.rejections].map(placeOf))
  const tasks = new Set(ledger.tasks.map(({ task_id: id }) => id))
  const limits = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
  return acked
    .filter((record) => record.offset < (limits.get(`${record.topic}/${record.partition}`) ?? 0n))
    .filter((record) => !stored.has(placeOf(record)) && !(record.fate.kind === 'repeat' && tasks.has(record.fate.taskId)))
    .map((record) => ({
      invariant: 'I8',
      problem: 'an offset was committed before its record was stored',
      evidence: { ...record, offset: String(record.offset) },
    }))
}
