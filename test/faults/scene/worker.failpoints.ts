import { setTimeout as delay } from 'node:timers/promises'
import { isDeadly, parseFailpoints } from '../failpoints/failpoint.spec.js'
import type { FaultScene, Undo } from './fault.scene.js'

/** Of every shape, so that each step of a task is passed while others are under way. */
const BURST = 3
const BURST_PAUSE_MS = 1_500
const LIMIT_MS = 60_000

/**
 * Arms the failpoints of one worker and gives it work. Where they kill, resolves when the worker is dead, with what starts another in its
 * place; else at once, with what disarms them.
 */
export async function armWorker(points: string, { crew, feeder }: FaultScene): Promise<Undo> {
  const kills = parseFailpoints(points).some(isDeadly)
  const armed = await crew.arm(points)
  if (!kills) {
    await feeder.burst(BURST)
    return () => armed.disarm()
  }
  for (const untilMs = performance.now() + LIMIT_MS; performance.now() < untilMs;) {
    await feeder.burst(BURST)
    const refill = await Promise.race([armed.died, delay(BURST_PAUSE_MS, undefined)])
    if (refill) return refill
  }
  throw new Error(`no worker came by ${points} within ${LIMIT_MS} ms`)
}
