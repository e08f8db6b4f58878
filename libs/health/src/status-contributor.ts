/**
 * One part of /health/details, contributed by the library that owns it: `registry.register(this)` in its constructor. For a person who wants to
 * know why something waits: numbers, names and states, never contents or secrets.
 */
export abstract class StatusContributor {
  abstract readonly name: string
  /** May take a second; later, or where it rejects, its part says so. */
  abstract describe(): unknown
}
