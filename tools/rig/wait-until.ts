import { setTimeout as delay } from 'node:timers/promises'

const INTERVAL_MS = 25

export interface WaitOptions {
  /** For the error message: what is waited for. */
  readonly what: string
  readonly timeoutMs?: number
}

/** Asks until the answer is neither undefined nor false, and gives it. Rejects after `timeoutMs`, saying what was waited for. */
export async function waitUntil<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  { what, timeoutMs = 20_000 }: WaitOptions,
): Promise<T> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > until) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await delay(INTERVAL_MS)
  }
}
