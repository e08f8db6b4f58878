import type { GateReading, GateUse } from '#libs/kernel'
import type { GateLimit } from '../limits/limits.js'
import { limitNow } from '../streams/adapt-limit.js'

const NAMES: Readonly<Record<string, string>> = { credential: 'streams', model: 'model', tenant: 'tenant' }

interface StreamFacts {
  /** undefined: no replica has asked for the gate yet. */
  readonly use: GateUse | undefined
  /** That are under way through the gate. */
  readonly calls: number
}

/**
 * A stream is free again when some call ends: nobody knows when. Replicas also hold streams for the tasks that they are just looking for;
 * where no call comes of it these block nobody, so what is in use is no more than the calls that are under way.
 */
export function readStreams({ gate, limit: configured }: GateLimit, { use, calls }: StreamFacts): GateReading {
  const grants = use?.grants ?? []
  const inUse = Math.min(
    calls,
    grants.reduce((sum, grant) => sum + grant.inUse, 0),
  )
  const limit = limitNow(use?.adaptiveLimit ?? null, configured)
  const blocks = inUse >= limit
  const lowered = limit < configured && Number.isFinite(configured) ? `, ${limit} of ${configured} since the provider refused calls` : ''
  return {
    gate,
    name: nameGate(gate),
    value: inUse,
    limit: Number.isFinite(limit) ? limit : null,
    unit: 'streams',
    blocks,
    waitMs: blocks ? null : 0,
    detail: `${inUse} in use by ${grants.filter((grant) => grant.inUse > 0).length} workers${lowered}${blocks ? '; the next is free when a call ends' : ''}`,
  }
}

function nameGate(gate: string): string {
  const [kind, ...rest] = gate.split(':')
  return `${NAMES[kind!] ?? kind} ${rest.join(':')}`
}
