import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

export interface ReadinessWait {
  /** True when ready. An error means not yet, and is told if the time runs out. */
  readonly probe: () => Promise<boolean>
  /** Ends the wait at once: a server that has exited will never be ready. */
  readonly isGone: () => boolean
  readonly limitMs: number
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/** Asks until the server says yes, ends, or the time is up. */
export async function waitUntilReady({ probe, isGone, limitMs }: ReadinessWait): Promise<Readiness> {
  const deadline = performance.now() + limitMs
  let lastError = 'it never answered'
  while (performance.now() < deadline) {
    if (isGone()) return { ready: false, reason: 'it ended while starting' }
    try {
      if (await probe()) return { ready: true }
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error)
    }
    await delay(POLL_MS)
  }
  return { ready: false, reason: `it was not ready within ${Math.round(limitMs / 1000)} s (${lastError})` }
}
