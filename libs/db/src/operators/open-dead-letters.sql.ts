import type { DeadLetterFilter } from '#libs/kernel'

/**
 * The last run of `t` failed, and nobody has redriven it since. The wide tables are named in the order in which retention locks them, so that
 * neither waits for the other in a circle.
 */
export const OPEN_DEAD_LETTERS = `
  FROM task t JOIN run_record r ON r.accepted_on = t.accepted_on AND r.task_number = t.id
  WHERE r.outcome = 'failed'
    AND NOT EXISTS (SELECT FROM run_record n WHERE n.accepted_on = r.accepted_on AND n.task_number = r.task_number AND n.run > r.run)
    AND NOT EXISTS (SELECT FROM task_queue q WHERE q.id = r.task_number)`

export const IS_ANSWERED = `(SELECT true FROM answer a WHERE a.accepted_on = t.accepted_on AND a.task_number = t.id LIMIT 1) IS TRUE`

/** For the values of a filter, beginning with parameter `first`. */
export function makeFilterCondition(first: number): string {
  const parameter = (offset: number) => `$${first + offset}`
  return `
    AND (${parameter(0)}::text IS NULL OR r.error_fingerprint = ${parameter(0)})
    AND (${parameter(1)}::text IS NULL OR r.error_code = ${parameter(1)})
    AND (${parameter(2)}::text IS NULL OR t.tenant = ${parameter(2)})
    AND (${parameter(3)}::text IS NULL OR t.type = ${parameter(3)})
    AND (${parameter(4)}::timestamptz IS NULL OR r.finished_at >= ${parameter(4)})
    AND (${parameter(5)}::timestamptz IS NULL OR r.finished_at < ${parameter(5)})`
}

export function valuesOfFilter({ fingerprint, code, tenant, type, since, until }: DeadLetterFilter): unknown[] {
  return [fingerprint ?? null, code ?? null, tenant ?? null, type ?? null, since ?? null, until ?? null]
}

/**
 * Where tasks lie that are known by name ($1 tenant, $2 ids): by their identity or, where retention has taken that before their day, by a run
 * that failed.
 */
export const PLACES = `
  SELECT n.name, n.position, coalesce(k.id, f.id) AS id, coalesce(k.accepted_on, f.accepted_on) AS accepted_on
  FROM unnest($2::text[]) WITH ORDINALITY AS n(name, position)
  LEFT JOIN task_identity k ON k.tenant = $1 AND k.task_id = n.name
  LEFT JOIN LATERAL (
    SELECT t.id, t.accepted_on FROM task t JOIN run_record r ON r.accepted_on = t.accepted_on AND r.task_number = t.id
    WHERE k.id IS NULL AND r.outcome = 'failed' AND t.tenant = $1 AND t.task_id = n.name ORDER BY t.id DESC LIMIT 1
  ) f ON true`
