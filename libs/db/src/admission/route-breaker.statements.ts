import type { Route, RouteFailure, RouteState } from '#libs/kernel'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'

const SHOWN = `provider, model, status, failures, reason, open_ms,
  coalesce((extract(epoch FROM open_until - now()) * 1000)::float8, 0) AS left_ms`

const READ: Statement = {
  name: 'route-read',
  text: `SELECT ${SHOWN}, probe_lease_id FROM route_breaker WHERE status <> 'closed' OR failures > 0`,
}

/**
 * Counts failures, and opens at the threshold. A route that is open stays as it is, and so does one that another replica probes: these
 * calls were sent before. Where the probe of this lease ($8) has failed, the route opens for twice as long as before.
 */
const FAIL: Statement = {
  name: 'route-fail',
  text: `
  INSERT INTO route_breaker AS b (provider, model, status, failures, reason, open_ms, opened_at, open_until)
  VALUES ($1, $2, CASE WHEN $3::integer >= $5::integer THEN 'open' ELSE 'closed' END, $3, $4,
          CASE WHEN $3::integer >= $5::integer THEN $6::integer ELSE 0 END, CASE WHEN $3::integer >= $5::integer THEN now() END,
          CASE WHEN $3::integer >= $5::integer THEN now() + make_interval(secs => $6::integer / 1000.0) END)
  ON CONFLICT (provider, model) DO UPDATE SET
    failures = b.failures + $3,
    reason = CASE WHEN b.status = 'closed' OR b.status = 'half_open' AND b.probe_lease_id = $8::bigint THEN $4 ELSE b.reason END,
    probe_lease_id = CASE WHEN b.status = 'half_open' AND b.probe_lease_id = $8 THEN NULL ELSE b.probe_lease_id END,
    status = CASE
      WHEN b.status = 'half_open' AND b.probe_lease_id = $8 OR b.status = 'closed' AND b.failures + $3 >= $5 THEN 'open' ELSE b.status END,
    open_ms = CASE
      WHEN b.status = 'half_open' AND b.probe_lease_id = $8 THEN least($7::integer, greatest(b.open_ms, $6::integer) * 2)
      WHEN b.status = 'closed' AND b.failures + $3 >= $5 THEN $6 ELSE b.open_ms END,
    opened_at = CASE WHEN b.status = 'closed' AND b.failures + $3 >= $5 THEN now() ELSE b.opened_at END,
    open_until = CASE
      WHEN b.status = 'half_open' AND b.probe_lease_id = $8 THEN now() + make_interval(secs => least($7::integer, greatest(b.open_ms, $6::integer) * 2) / 1000.0)
      WHEN b.status = 'closed' AND b.failures + $3 >= $5 THEN now() + make_interval(secs => $6 / 1000.0) ELSE b.open_until END
  RETURNING ${SHOWN}, probe_lease_id`,
}

/** Only the probe closes a route: any other call was sent before it opened. */
const SUCCEED: Statement = {
  name: 'route-succeed',
  text: `
  UPDATE route_breaker SET status = 'closed', failures = 0, reason = NULL, open_ms = 0, opened_at = NULL, open_until = NULL, probe_lease_id = NULL
  WHERE provider = $1 AND model = $2 AND (status = 'closed' OR status = 'half_open' AND probe_lease_id = $3)`,
}

/** One probe for all replicas. Of a holder that has lost its lease it is taken over. */
const TAKE_PROBE: Statement = {
  name: 'route-take-probe',
  text: `
  UPDATE route_breaker b SET status = 'half_open', probe_lease_id = $3
  WHERE b.provider = $1 AND b.model = $2
    AND (b.status = 'open' AND b.open_until <= now()
      OR b.status = 'half_open' AND NOT EXISTS (SELECT FROM worker_lease l WHERE l.id = b.probe_lease_id AND l.state = 'held'))
  RETURNING true AS taken`,
}

const RETURN_PROBE: Statement = {
  name: 'route-return-probe',
  text: `
  UPDATE route_breaker SET status = 'open', probe_lease_id = NULL
  WHERE provider = $1 AND model = $2 AND status = 'half_open' AND probe_lease_id = $3`,
}

interface RouteRow extends Row {
  provider: string
  model: string
  status: RouteState['status']
  failures: number
  reason: RouteState['reason']
  open_ms: number
  left_ms: number
  probe_lease_id: number | null
}

export async function readRoutes(pool: StatementRunner, leaseId: number | null): Promise<RouteState[]> {
  return (await pool.run<RouteRow>(READ, [])).map((row) => makeRouteState(row, leaseId))
}

export async function reportFailure(pool: HotPool, failure: RouteFailure, leaseId: number | null): Promise<RouteState> {
  const { provider, model, failures, reason, threshold, openMs, maxOpenMs } = failure
  const [row] = await pool.run<RouteRow>(FAIL, [provider, model, failures, reason, threshold, openMs, maxOpenMs, leaseId])
  return makeRouteState(row!, leaseId)
}

export async function reportSuccess(pool: HotPool, { provider, model }: Route, leaseId: number | null): Promise<void> {
  await pool.run(SUCCEED, [provider, model, leaseId])
}

export async function takeProbe(pool: HotPool, { provider, model }: Route, leaseId: number): Promise<boolean> {
  return (await pool.run(TAKE_PROBE, [provider, model, leaseId])).length > 0
}

export async function returnProbe(pool: HotPool, { provider, model }: Route, leaseId: number): Promise<void> {
  await pool.run(RETURN_PROBE, [provider, model, leaseId])
}

function makeRouteState(row: RouteRow, leaseId: number | null): RouteState {
  const { provider, model, status, failures, reason } = row
  const isOwnProbe = status === 'half_open' && leaseId !== null && row.probe_lease_id === leaseId
  return { provider, model, status, failures, reason, openMs: row.open_ms, leftMs: row.left_ms, isOwnProbe }
}
