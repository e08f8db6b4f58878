import type { DeadLetterEvent } from '#libs/contracts'
import type { RejectedRecord } from '#libs/kernel'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'

const LIST: Statement = {
  name: 'operator-list-rejected',
  text: `
  SELECT topic, partition, "offset"::text AS "offset", error_code, error_message, received_at, octet_length(value) AS size_bytes
  FROM rejected_delivery ORDER BY received_at DESC, topic, partition, "offset" LIMIT $1`,
}

const FIND: Statement = {
  name: 'operator-find-rejected',
  // Several, where the topic was made anew: the last one is what is meant.
  text: `
  SELECT dead_letter_event AS letter FROM rejected_delivery WHERE topic = $1 AND partition = $2 AND "offset" = $3
  ORDER BY received_at DESC LIMIT 1`,
}

interface RejectedRow extends Row {
  topic: string
  partition: number
  offset: string
  error_code: string
  error_message: string
  received_at: number
  size_bytes: number | null
}

export async function listRejected(runner: StatementRunner, limit: number): Promise<RejectedRecord[]> {
  const rows = await runner.run<RejectedRow>(LIST, [limit])
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    code: row.error_code,
    message: row.error_message,
    receivedAt: new Date(row.received_at),
    sizeBytes: row.size_bytes,
  }))
}

type Place = Pick<RejectedRecord, 'topic' | 'partition' | 'offset'>

export async function findRejected(runner: StatementRunner, { topic, partition, offset }: Place): Promise<DeadLetterEvent | null> {
  const [row] = await runner.run<{ letter: Buffer }>(FIND, [topic, partition, offset])
  return row ? (JSON.parse(row.letter.toString('utf8')) as DeadLetterEvent) : null
}
