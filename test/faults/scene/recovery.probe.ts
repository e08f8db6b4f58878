import { expectedAnswer } from '../../../apps/simulator/src/expected-answer.js'
import { CANARY } from '../invariants/secrets.invariant.js'
import type { FaultScene } from './fault.scene.js'

/** Longer than any budget: what has not recovered by then does not. */
const LIMIT_MS = 180_000

/**
 * Sends one urgent task to every partition, and gives when the last of their results was read, as a time of this clock. Rejects when there
 * is none for three minutes.
 */
export async function probeRecovery({ rig, journal }: FaultScene, name: string): Promise<number> {
  const ids = Array.from({ length: rig.partitions }, (_, partition) => `probe-${name}-${partition}`)
  await journal.send(
    ids.map((id, partition) => {
      const prompt = `[[task:${id}]] [[latency:0]] ${CANARY} are you there`
      return {
        record: { topic: rig.topics.names.tasks, partition, key: null, value: { task_id: id, prompt, priority: 9 } },
        fate: { kind: 'task', taskId: id, text: expectedAnswer([{ role: 'user', content: prompt }]) },
      }
    }),
  )
  const results = await rig.results()
  const find = (id: string) => results.events.find(({ value }) => value.task_id === id)
  await results.waitFor(() => ids.every(find), { what: `the results of ${ids.join(', ')}`, timeoutMs: LIMIT_MS })
  return Math.max(...ids.map((id) => find(id)!.receivedAtMs))
}
