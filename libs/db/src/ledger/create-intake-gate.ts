import type { ResilienceEvents } from '#libs/resilience'
import type { HotPool } from '../connection/hot-pool.js'
import { PostgresIntakeGate, type IntakeCaps } from './postgres-intake-gate.js'

interface IntakeGateParts {
  readonly pool: HotPool
  readonly caps: IntakeCaps
  readonly events: ResilienceEvents
}

/** Intake stops with the breaker of PostgreSQL, not only with the next sample. The caller stops the gate. */
export function createIntakeGate({ pool, caps, events }: IntakeGateParts): PostgresIntakeGate {
  const gate = new PostgresIntakeGate(pool, caps)
  events.on('breakerOpened', ({ port, error }) => {
    if (port === 'postgres') gate.close(`PostgreSQL is away: ${error.message}`)
  })
  return gate
}
