import type { Lane } from '#libs/kernel'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'

/**
 * Goes from lane to lane through the index, a few entries each, however long the queue is. A lane whose tasks are all deferred is passed
 * over.
 */
export const DUE_LANES: Statement = {
  name: 'due-lanes',
  text: `
  WITH RECURSIVE lane AS (
    (SELECT provider, model, tenant FROM task_queue WHERE state = 'pending' AND is_head ORDER BY provider, model, tenant LIMIT 1)
    UNION ALL
    SELECT n.* FROM lane l CROSS JOIN LATERAL (
      SELECT provider, model, tenant FROM task_queue
      WHERE state = 'pending' AND is_head AND (provider, model, tenant) > (l.provider, l.model, l.tenant)
      ORDER BY provider, model, tenant LIMIT 1
    ) n
  )
  SELECT l.provider, l.model, l.tenant FROM lane l
  CROSS JOIN LATERAL (
    SELECT true FROM generate_series(9, 0, -1) AS p(priority)
    CROSS JOIN LATERAL (
      SELECT true FROM task_queue q
      WHERE q.state = 'pending' AND q.is_head AND q.provider = l.provider AND q.model = l.model AND q.tenant = l.tenant
        AND q.priority = p.priority AND q.run_at <= now()
      ORDER BY q.run_at, q.id LIMIT 1
    ) d
    LIMIT 1
  ) due`,
}

export function listDueLanes(pool: HotPool): Promise<Lane[]> {
  return pool.run<Lane & Row>(DUE_LANES, [])
}
