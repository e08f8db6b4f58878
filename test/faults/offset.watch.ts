import type { LedgerReader, TaskTopics } from '#tools/rig'
import type { AckedRecord, ProducerJournal } from './invariants/journal.js'
import type { RejectionRow, TaskRow } from './invariants/ledger.snapshot.js'
import { checkOffsets } from './invariants/offsets.invariant.js'
import type { Violation } from './invariants/violation.js'

interface Watched {
  readonly ledger: LedgerReader
  readonly topics: TaskTopics
  readonly partitions: number
}

/** Checks after each fault that what lies before the committed offsets is in the ledger; each record once, or long runs would be slow. */
export class OffsetWatch {
  private seen = 0
  private open: AckedRecord[] = []

  constructor(
    private readonly watched: Watched,
    private readonly journal: ProducerJournal,
  ) {}

  async check(): Promise<Violation[]> {
    const { ledger, topics, partitions } = this.watched
    const committed = await topics.committed(Array.from({ length: partitions }, (_, partition) => partition))
    const limits = new Map(committed.map(({ partition, offset }) => [partition, offset]))
    const isCommitted = ({ partition, offset }: AckedRecord) => offset < (limits.get(partition) ?? 0n)
    this.open.push(...this.journal.acked.slice(this.seen))
    this.seen = this.journal.acked.length
    const due = this.open.filter(isCommitted)
    this.open = this.open.filter((record) => !isCommitted(record))
    return checkOffsets(due, committed, await readStored(ledger, due))
  }
}

async function readStored(ledger: LedgerReader, records: readonly AckedRecord[]) {
  const places = [records.map(({ partition }) => partition), records.map(({ offset }) => String(offset))]
  const taskIds = records.flatMap(({ fate }) => (fate.kind === 'rejected' ? [] : [fate.taskId]))
  const [tasks, rejections] = await Promise.all([
    ledger.rows<TaskRow>(`SELECT task_id, topic, partition, "offset"::text AS "offset" FROM task WHERE task_id = ANY($1)`, [taskIds]),
    ledger.rows<RejectionRow>(
      `SELECT topic, partition, "offset"::text AS "offset" FROM rejected_delivery
       WHERE (partition, "offset") IN (SELECT * FROM unnest($1::integer[], $2::bigint[]))`,
      places,
    ),
  ])
  return { tasks, rejections }
}
