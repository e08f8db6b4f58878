import { createHash } from 'node:crypto'
import type { NewTask } from '#libs/kernel'
import { makeNewTask } from '../factories/new-task.factory.js'
import type { OfferedRecord } from './ledger.step.js'

/** All tasks that a sequence may offer: plain ones of three priorities, one with files, and three in each of two keys. */
const CAST: readonly Pick<NewTask, 'priority' | 'hasFiles' | 'orderingKey'>[] = [
  { priority: 5, hasFiles: false, orderingKey: null },
  { priority: 9, hasFiles: false, orderingKey: null },
  { priority: 0, hasFiles: false, orderingKey: null },
  { priority: 5, hasFiles: true, orderingKey: null },
  { priority: 5, hasFiles: false, orderingKey: Buffer.from('k1') },
  { priority: 9, hasFiles: false, orderingKey: Buffer.from('k1') },
  { priority: 5, hasFiles: true, orderingKey: Buffer.from('k1') },
  { priority: 5, hasFiles: false, orderingKey: Buffer.from('k2') },
  { priority: 0, hasFiles: false, orderingKey: Buffer.from('k2') },
]

export const CAST_SIZE = CAST.length

export function makeCastTask({ task, copy, changed }: OfferedRecord): NewTask {
  const payload = Buffer.from(JSON.stringify({ task_id: `task-${task}`, prompt: changed ? 'another' : 'a question' }))
  const role = CAST[task]!
  return makeNewTask({
    ...role,
    taskId: `task-${task}`,
    key: role.orderingKey,
    source: { topic: 'llm.tasks', partition: 0, offset: BigInt(copy * CAST.length + task) },
    payload,
    payloadHash: createHash('sha256').update(payload).digest(),
  })
}
