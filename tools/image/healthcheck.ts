import { healthUrl } from './health-url.js'

/** For HEALTHCHECK: the image has no curl. Alive, not ready: a dependency that is away is no reason to restart the container. */
const answer = await fetch(healthUrl(process.env), { signal: AbortSignal.timeout(4_000) }).catch(() => undefined)
process.exit(answer?.ok ? 0 : 1)
