const TABLES = [
  'task_identity',
  'task',
  'task_queue',
  'attempt',
  'answer',
  'run_record',
  'rejected_delivery',
  'outbox',
  'worker_lease',
  'ordering_key',
]

export const CLEAN = `DO $$ BEGIN ${TABLES.map((table) => `DELETE FROM ${table};`).join(' ')} END $$`

/** The lease's number among those of this sequence. */
const leaseNumber = (column: string) => `(SELECT count(*) FROM worker_lease l WHERE l.id <= ${column})`

/** As one JSON value: what ModelWorld says of itself. The lists come in any order. */
export const SNAPSHOT = `SELECT json_build_object(
  'queue', (
    SELECT coalesce(json_agg(json_build_array(t.task_id, q.state, q.reason, CASE WHEN q.lease_id IS NOT NULL THEN ${leaseNumber('q.lease_id')} END,
             q.prompt_version, q.deferral_class, q.claims, q.sends, q.attempts, q.maybe_paid, q.crashes, q.deferrals, q.suspect_since IS NOT NULL, q.deaths, q.is_head, q.prepare, q.free_attempt_used, q.run_at <= now())), '[]')
    FROM task_queue q JOIN task t ON (t.accepted_on, t.id) = (q.accepted_on, q.id)),
  'attempts', (
    SELECT coalesce(json_agg(json_build_array(t.task_id, a.number, a.state, a.counted, a.error_code)), '[]')
    FROM attempt a JOIN task t ON (t.accepted_on, t.id) = (a.accepted_on, a.task_number)),
  'answers', (
    SELECT coalesce(json_agg(json_build_array(t.task_id, a.attempt, convert_from(a.body, 'UTF8'))), '[]')
    FROM answer a JOIN task t ON (t.accepted_on, t.id) = (a.accepted_on, a.task_number)),
  'records', (
    SELECT coalesce(json_agg(json_build_array(t.task_id, r.outcome, r.attempts, r.error_code, r.key_sequence, ${leaseNumber('r.lease_id')},
             convert_from(r.result_event, 'UTF8'))), '[]')
    FROM run_record r JOIN task t ON (t.accepted_on, t.id) = (r.accepted_on, r.task_number)),
  'outbox', (
    SELECT coalesce(json_agg(json_build_array(o.channel, coalesce(t.task_id, 'offset ' || o."offset"))), '[]')
    FROM outbox o LEFT JOIN task t ON (t.accepted_on, t.id) = (o.accepted_on, o.task_number)),
  'leases', (SELECT json_agg(state ORDER BY id) FROM worker_lease))`
