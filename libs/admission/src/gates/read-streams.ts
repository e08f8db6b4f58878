import type { GateReading, GateUse } from '#libs/kernel'
import type { GateLimit } from '../limits/limits.js'
import { limitNow } from '../streams/adapt-limit.js'

const NAMES: Readonly<Record<string, string>> = { credential: 'streams', model: 'model', tenant: 'tenant' }

/** A stream is free again when some call ends: nobody knows when. `use` is undefined where no replica has asked for the gate yet. */
export function readStreams({ gate, limit: configured }: GateLimit, use: GateUse | undefined): GateReading {
  const grants = use?.grants ?? []
  const inUse = grants.reduce((sum, grant) => sum + grant.inUse, 0)
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
