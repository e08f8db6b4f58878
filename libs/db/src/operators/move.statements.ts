import type { Change } from '#libs/kernel'
import { makeBigintArray } from '../connection/binary-array.js'
import type { Statement, StatementRunner } from '../connection/hot-pool.js'

/**
 * Rows that are just being claimed or changed are passed over: these statements wait for nobody while they hold locks, so they cannot be
 * part of a deadlock with those that lock in another order. What is chosen is locked, and so all of it is changed; the lists are not joined
 * with each other (see the claim: the planner would compare every row with every other).
 */
const choose = (state: 'pending' | 'held') => `
  chosen AS MATERIALIZED (
    SELECT q.* FROM task_queue q WHERE q.id = ANY($1::bigint[]) AND q.state = '${state}' ORDER BY q.id FOR UPDATE SKIP LOCKED
  )`

const CHOSEN = `q.id = ANY(ARRAY(SELECT id FROM chosen))`

const audit = (action: string, { before, after }: { readonly before: string; readonly after: string }) => `
  audited AS (
    INSERT INTO audit_record (actor, reason, action, target, before, after)
    SELECT $2, $3, '${action}', jsonb_build_object('tenant', c.tenant, 'task_id', t.task_id, 'id', c.id, 'run', c.run), ${before}, ${after}
    FROM chosen c CROSS JOIN LATERAL (SELECT task_id FROM task WHERE accepted_on = c.accepted_on AND id = c.id LIMIT 1) t
  )`

const MOVE: Statement = {
  name: 'operator-move',
  text: `
  WITH ${choose('pending')}, changed AS (
    UPDATE task_queue q SET run_at = coalesce($4::timestamptz, now()) WHERE ${CHOSEN} RETURNING q.id
  ), ${audit('task.move', {
    before: `jsonb_build_object('run_at', c.run_at)`,
    after: `jsonb_build_object('run_at', coalesce($4::timestamptz, now()))`,
  })}
  SELECT id FROM changed`,
}

/** As if the run had not been sent before, but that its answers count. Files are read before an attempt is opened, as at accept. */
const RELEASE: Statement = {
  name: 'operator-release',
  text: `
  WITH ${choose('held')}, changed AS (
    UPDATE task_queue q SET state = 'pending', run_at = now(), reason = NULL, maybe_paid = 0, attempts = 0,
      prepare = (SELECT has_files FROM task t WHERE t.accepted_on = q.accepted_on AND t.id = q.id LIMIT 1)
    WHERE ${CHOSEN} RETURNING q.id
  ), ${audit('task.release', {
    before: `jsonb_build_object('state', c.state, 'reason', c.reason, 'maybe_paid', c.maybe_paid, 'attempts', c.attempts)`,
    after: `jsonb_build_object('state', 'pending', 'maybe_paid', 0, 'attempts', 0)`,
  })}
  SELECT id FROM changed`,
}

export async function moveTasks(runner: StatementRunner, ids: readonly number[], runAt: Date | null, change: Change): Promise<number[]> {
  const rows = await runner.run<{ id: number }>(MOVE, [makeBigintArray(ids), change.actor, change.reason, runAt])
  return rows.map(({ id }) => id)
}

export async function releaseTasks(runner: StatementRunner, ids: readonly number[], change: Change): Promise<number[]> {
  const rows = await runner.run<{ id: number }>(RELEASE, [makeBigintArray(ids), change.actor, change.reason])
  return rows.map(({ id }) => id)
}
