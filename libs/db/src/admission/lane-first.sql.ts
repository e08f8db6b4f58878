import { makeHasAnswer } from '../ledger/stored-answer.sql.js'

/** The due task that goes first in the lane of the row `lane`, as a claim takes it: one index range for each priority. */
export const makeLaneFirst = (lane: string) => `
  SELECT t.* FROM generate_series(9, 0, -1) AS p(priority)
  CROSS JOIN LATERAL (
    SELECT q.id, q.accepted_on, q.estimated_tokens, NOT q.prepare AND (${makeHasAnswer('q')}) IS NOT TRUE AS needs_call FROM task_queue q
    WHERE q.state = 'pending' AND q.is_head AND q.provider = ${lane}.provider AND q.model = ${lane}.model AND q.tenant = ${lane}.tenant
      AND q.priority = p.priority AND q.run_at <= now()
    ORDER BY q.run_at, q.id LIMIT 1
  ) t
  LIMIT 1`
