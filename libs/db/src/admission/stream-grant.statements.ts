import type { BalanceResult, GateDecision, GateDemand, GateShare, GateState, StreamGrant } from '#libs/kernel'
import { makeIntegerArray, makeTextArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'

/** In the order of their locks. */
const ADD_GATES: Statement = {
  name: 'gate-add',
  text: `INSERT INTO stream_gate (gate) SELECT gate FROM unnest($1::text[]) AS i(gate) ORDER BY gate COLLATE "C" ON CONFLICT DO NOTHING`,
}

/** In one order for everybody, so that nobody waits for another in a circle. The lease is held until this is committed, as in a claim. */
const LOCK_GATES: Statement = {
  name: 'gate-lock',
  text: `
  WITH lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $2 AND state = 'held' FOR SHARE
  )
  SELECT g.gate, g.adaptive_limit::float8 AS adaptive_limit, (extract(epoch FROM now() - g.changed_at) * 1000)::float8 AS changed_ms
  FROM lease CROSS JOIN LATERAL (
    SELECT * FROM stream_gate WHERE gate = ANY($1::text[]) ORDER BY gate FOR UPDATE
  ) g`,
}

/** In a statement of its own after the locks: only then does its snapshot show every grant that was committed before. */
export const READ_GRANTS: Statement = {
  name: 'grant-read',
  text: `
  SELECT s.gate, s.lease_id, s.streams, s.in_use, s.wanted,
         coalesce((extract(epoch FROM now() - s.starved_since) * 1000)::float8, 0) AS starved_ms
  FROM stream_grant s
  WHERE s.gate = ANY($1::text[]) AND EXISTS (SELECT FROM worker_lease l WHERE l.id = s.lease_id AND l.state = 'held')`,
}

/** Whoever starves at one gate says so at all of its gates, so that its turn comes at all of them at once (share-streams.ts). */
const WRITE_GRANTS: Statement = {
  name: 'grant-write',
  text: `
  WITH input AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[]) AS i(gate, streams, in_use, wanted, adaptive_limit)
  ), before AS MATERIALIZED (
    SELECT min(starved_since) AS starved_since FROM stream_grant WHERE lease_id = $1 AND gate = ANY($2::text[])
  ), starving AS MATERIALIZED (
    SELECT CASE WHEN EXISTS (SELECT FROM input WHERE streams = 0 AND wanted > 0) THEN coalesce(before.starved_since, now()) END AS since FROM before
  ), gates AS (
    UPDATE stream_gate g SET adaptive_limit = i.adaptive_limit, changed_at = now()
    FROM input i WHERE g.gate = i.gate AND g.adaptive_limit IS DISTINCT FROM i.adaptive_limit
  )
  INSERT INTO stream_grant AS s (gate, lease_id, streams, in_use, wanted, starved_since)
  SELECT gate, $1, streams, in_use, wanted, starving.since FROM input CROSS JOIN starving
  ON CONFLICT (gate, lease_id) DO UPDATE SET streams = excluded.streams, in_use = excluded.in_use, wanted = excluded.wanted,
    starved_since = excluded.starved_since`,
}

/**
 * Calls that were sent before it was lowered say nothing of the lower limit. Those that were sent before it was raised do: where each raise
 * made them count for nothing, a limit would climb on although every call is refused.
 */
const LOWER_LIMIT: Statement = {
  name: 'gate-lower',
  text: `
  UPDATE stream_gate SET adaptive_limit = greatest(1, floor(least(coalesce(adaptive_limit, $2::float8), $2::float8) * $3::float8)), changed_at = now(), lowered_at = now()
  WHERE gate = $1 AND (lowered_at IS NULL OR lowered_at < now() - make_interval(secs => $4::float8 / 1000))`,
}

interface GateRow extends Row {
  gate: string
  adaptive_limit: number | null
  changed_ms: number | null
}

export interface GrantRow extends Row {
  gate: string
  lease_id: number
  streams: number
  in_use: number
  wanted: number
  starved_ms: number
}

/** null: the lease is not held any more. */
export function balanceGrants(
  pool: HotPool,
  input: { readonly leaseId: number; readonly demands: readonly GateDemand[] },
  decide: (state: GateState) => GateDecision,
): Promise<BalanceResult | null> {
  const { leaseId, demands } = input
  const gates = makeTextArray(demands.map(({ gate }) => gate))
  return pool.transaction(async (transaction) => {
    const locked = await lockGates(transaction, gates, { leaseId, count: demands.length })
    if (!locked) return null
    const grants = await transaction.run<GrantRow>(READ_GRANTS, [gates])
    const starvedMs = Math.max(0, ...grants.filter((grant) => grant.lease_id === leaseId).map((grant) => grant.starved_ms))
    const rows = Map.groupBy(grants, ({ gate }) => gate)
    const shares = locked.map((row): GateShare => {
      const demand = demands.find(({ gate }) => gate === row.gate)!
      return { gate: row.gate, ...decide(makeState(row, { demand, leaseId, starvedMs, grants: rows.get(row.gate) ?? [] })) }
    })
    await writeGrants(transaction, leaseId, shares, demands)
    return { leaseId, shares }
  })
}

async function lockGates(
  transaction: StatementRunner,
  gates: Buffer,
  { leaseId, count }: { leaseId: number; count: number },
): Promise<GateRow[] | null> {
  const locked = await transaction.run<GateRow>(LOCK_GATES, [gates, leaseId])
  if (locked.length === count) return locked
  await transaction.run(ADD_GATES, [gates])
  const again = await transaction.run<GateRow>(LOCK_GATES, [gates, leaseId])
  return again.length === 0 ? null : again
}

function makeState(
  { gate, adaptive_limit: adaptiveLimit, changed_ms: changedMs }: GateRow,
  { demand, leaseId, starvedMs, grants }: { demand: GateDemand; leaseId: number; starvedMs: number; grants: readonly GrantRow[] },
): GateState {
  const own = { leaseId, streams: demand.kept, inUse: demand.inUse, wanted: demand.wanted, starvedMs }
  const others = grants.filter((grant) => grant.lease_id !== leaseId).map(makeGrant)
  return { gate, adaptiveLimit, changedMs, grants: [own, ...others], ownLeaseId: leaseId }
}

export function makeGrant({ lease_id: leaseId, streams, in_use: inUse, wanted, starved_ms: starvedMs }: GrantRow): StreamGrant {
  return { leaseId, streams, inUse, wanted, starvedMs }
}

function writeGrants(transaction: StatementRunner, leaseId: number, shares: readonly GateShare[], demands: readonly GateDemand[]) {
  const of = (share: GateShare) => demands.find(({ gate }) => gate === share.gate)!
  return transaction.run(WRITE_GRANTS, [
    leaseId,
    makeTextArray(shares.map(({ gate }) => gate)),
    makeIntegerArray(shares.map(({ streams }) => streams)),
    makeIntegerArray(shares.map((share) => of(share).inUse)),
    makeIntegerArray(shares.map((share) => of(share).wanted)),
    makeIntegerArray(shares.map(({ adaptiveLimit }) => adaptiveLimit)),
  ])
}

export async function lowerLimit(
  pool: HotPool,
  gate: string,
  { ageMs, from, factor }: { readonly ageMs: number; readonly from: number; readonly factor: number },
): Promise<void> {
  await pool.run(LOWER_LIMIT, [gate, from, factor, ageMs])
}
