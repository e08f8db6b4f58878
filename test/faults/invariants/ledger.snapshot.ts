import type { LedgerReader } from '#tools/rig'

export interface TaskRow {
  readonly id: number
  readonly tenant: string
  readonly task_id: string
  readonly type: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** Hexadecimal. */
  readonly ordering_key: string | null
}

export interface RunRow {
  readonly task_number: number
  readonly task_id: string
  readonly run: number
  readonly outcome: string
  readonly error_code: string | null
  readonly prompt_tokens: number | null
  readonly completion_tokens: number | null
  readonly key_sequence: number | null
  readonly result_event_id: string
  readonly result_event: string
  readonly dead_letter_event_id: string | null
  readonly dead_letter_event: string | null
}

export interface AttemptRow {
  readonly id: string
  readonly task_number: number
  readonly task_id: string
  readonly run: number
  readonly number: number
  readonly state: 'sending' | 'not_sent' | 'refused' | 'answered' | 'maybe_paid'
  readonly opened_at: Date
  readonly error_code: string | null
}

export interface AnswerRow {
  readonly attempt_id: string
  readonly task_number: number
  readonly run: number
  readonly received_at: Date
}

export interface RejectionRow {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly error_code: string
  readonly dead_letter_event_id: string
  readonly dead_letter_event: string
}

export interface QueueRow {
  readonly id: number
  readonly task_id: string
  readonly state: string
  readonly reason: string | null
  readonly lease_id: number | null
  readonly lease_state: string | null
}

export interface LeaseRow {
  readonly id: number
  readonly worker: string
  readonly state: string
  /** Negative: it lasts for so long. */
  readonly expired_ms: number
}

/** The whole ledger at one moment. */
export interface LedgerSnapshot {
  readonly tasks: readonly TaskRow[]
  readonly runs: readonly RunRow[]
  readonly attempts: readonly AttemptRow[]
  readonly answers: readonly AnswerRow[]
  readonly rejections: readonly RejectionRow[]
  readonly queue: readonly QueueRow[]
  readonly leases: readonly LeaseRow[]
  /** Of workers. */
  readonly connections: number
  readonly outboxRows: number
  readonly changedEnds: readonly unknown[]
  /** What the ledger itself has counted, by event. */
  readonly books: ReadonlyMap<string, number>
}

/** For grouping by run. */
export function runOf({ task_number: task, run }: { readonly task_number: number; readonly run: number }): string {
  return `${task}/${run}`
}

const TASK = `JOIN task t ON t.accepted_on = x.accepted_on AND t.id = x.task_number`

export async function readLedger(ledger: LedgerReader): Promise<LedgerSnapshot> {
  const [tasks, runs, attempts, answers, rejections, queue, leases, connections, outbox, changedEnds, books] = await Promise.all([
    ledger.rows<TaskRow>(
      `SELECT id, tenant, task_id, type, topic, partition, "offset"::text AS "offset", encode(ordering_key, 'hex') AS ordering_key FROM task`,
    ),
    ledger.rows<RunRow>(
      `SELECT x.task_number, t.task_id, x.run, x.outcome, x.error_code, x.prompt_tokens, x.completion_tokens, x.key_sequence,
              x.result_event_id, convert_from(x.result_event, 'UTF8') AS result_event,
              x.dead_letter_event_id, convert_from(x.dead_letter_event, 'UTF8') AS dead_letter_event
       FROM run_record x ${TASK}`,
    ),
    ledger.rows<AttemptRow>(
      `SELECT x.id, x.task_number, t.task_id, x.run, x.number, x.state, x.opened_at, x.error_code FROM attempt x ${TASK} ORDER BY x.number`,
    ),
    ledger.rows<AnswerRow>(`SELECT attempt_id, task_number, run, received_at FROM answer`),
    ledger.rows<RejectionRow>(
      `SELECT topic, partition, "offset"::text AS "offset", error_code, dead_letter_event_id,
              convert_from(dead_letter_event, 'UTF8') AS dead_letter_event FROM rejected_delivery`,
    ),
    ledger.rows<QueueRow>(
      `SELECT q.id, t.task_id, q.state, q.reason, q.lease_id, l.state AS lease_state FROM task_queue q
       JOIN task t ON t.accepted_on = q.accepted_on AND t.id = q.id LEFT JOIN worker_lease l ON l.id = q.lease_id`,
    ),
    ledger.rows<LeaseRow>(
      `SELECT id, worker, state, (extract(epoch FROM now() - expires_at) * 1000)::integer AS expired_ms FROM worker_lease`,
    ),
    ledger.value<number>(
      `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('sluice', 'sluice-listen')`,
    ),
    ledger.value<number>(`SELECT count(*) FROM outbox`),
    readChangedEnds(ledger),
    readBooks(ledger),
  ])
  return { tasks, runs, attempts, answers, rejections, queue, leases, connections, outboxRows: outbox, changedEnds, books }
}

/** Writes down every change of a terminal record from now on: there must be none. The schema must be there. */
export async function watchEnds(ledger: LedgerReader): Promise<void> {
  await ledger.rows(`CREATE TABLE changed_end (at timestamptz DEFAULT now(), change text, task_number bigint, run integer)`)
  await ledger.rows(
    `CREATE FUNCTION note_changed_end() RETURNS trigger LANGUAGE plpgsql AS
     'BEGIN INSERT INTO changed_end (change, task_number, run) VALUES (TG_OP, OLD.task_number, OLD.run); RETURN NULL; END'`,
  )
  await ledger.rows(`CREATE TRIGGER changed_end AFTER UPDATE OR DELETE ON run_record FOR EACH ROW EXECUTE FUNCTION note_changed_end()`)
}

async function readChangedEnds(ledger: LedgerReader): Promise<unknown[]> {
  const watched = await ledger.value<boolean>(`SELECT to_regclass('changed_end') IS NOT NULL`)
  return watched ? ledger.rows(`SELECT * FROM changed_end`) : []
}

async function readBooks(ledger: LedgerReader): Promise<Map<string, number>> {
  const rows = await ledger.rows<{ event: string; amount: number }>(
    `SELECT event, sum(amount)::integer AS amount FROM ledger_book GROUP BY event`,
  )
  return new Map(rows.map(({ event, amount }) => [event, amount]))
}
