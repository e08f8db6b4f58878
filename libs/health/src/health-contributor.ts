export interface HealthReport {
  /** degraded: it works, but a person should look. */
  readonly status: 'up' | 'degraded' | 'down'
  /** For a person: addresses and reasons, never secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * One thing that the service's health depends on, contributed by the library that owns it:
 * `registry.register(this)` in its constructor.
 */
export abstract class HealthContributor {
  abstract readonly name: string
  /** true: the service is not ready while this is down. */
  abstract readonly critical: boolean
  /** May take a second; then its signal aborts and it counts as down. A rejection counts as down too. */
  abstract check(signal: AbortSignal): Promise<HealthReport>
}
