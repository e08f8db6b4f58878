import type { TaskMessage } from '#libs/contracts'
import { ServiceRig, type RigServers } from '#tools/rig'
import { inject } from 'vitest'
import { SHORT_DEFERRALS } from '../harness/short-deferrals.js'

export const INLINE_ANSWER_BYTES = 2_000

/** A rig on the servers of this test run, with task types that defer for milliseconds. Whoever opens it closes it. */
export function openRig(name: string, env: Readonly<Record<string, string>> = {}, servers: Partial<RigServers> = {}): Promise<ServiceRig> {
  return ServiceRig.create(
    { ...inject('stack'), ...servers },
    {
      name,
      partitions: 2,
      env: {
        TASK_TYPES_DIR: 'test/e2e/task-types',
        PROMPTS_DIR: 'test/e2e/prompts',
        INLINE_ANSWER_BYTES: String(INLINE_ANSWER_BYTES),
        ...SHORT_DEFERRALS,
        KAFKA_SESSION_TIMEOUT_MS: '6000',
        KAFKA_DRAIN_TIMEOUT_MS: '2000',
        ...env,
      },
    },
  )
}

/** A plain task that the simulator knows by its id on the bill; it answers after `latencyMs`. */
export function makePrompt(
  taskId: string,
  { latencyMs, ...fields }: Partial<TaskMessage> & { readonly latencyMs?: number } = {},
): TaskMessage {
  const latency = latencyMs === undefined ? '' : ` [[latency:${latencyMs}]]`
  return { task_id: taskId, prompt: `[[task:${taskId}]]${latency} say something`, ...fields }
}
