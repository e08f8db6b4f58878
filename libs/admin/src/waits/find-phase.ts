import type { LastAttempt } from '#libs/kernel'
import type { RunningPhase } from './explanation.js'

/** What the worker of a running task is doing, as far as it has written that down. */
export function findPhase(attempt: LastAttempt | null): RunningPhase {
  if (!attempt?.isOfHolder) return 'preparing'
  if (attempt.state === 'sending') return 'calling'
  return attempt.state === 'answered' ? 'finishing' : 'preparing'
}
