import { createHash } from 'node:crypto'
import type { NewTask } from '#libs/kernel'

let made = 0

/** A valid task with an id and an offset of its own. The payload's hash is computed unless it is given. */
export function makeNewTask(fields: Partial<NewTask> = {}): NewTask {
  const number = ++made
  const taskId = fields.taskId ?? `task-${number}`
  const payload = fields.payload ?? Buffer.from(JSON.stringify({ task_id: taskId, prompt: 'a question' }))
  return {
    tenant: 'default',
    taskId,
    type: 'prompt',
    priority: 5,
    source: { topic: 'llm.tasks', partition: 0, offset: BigInt(number) },
    key: null,
    orderingKey: null,
    payload,
    payloadHash: createHash('sha256').update(payload).digest(),
    traceparent: null,
    correlationId: null,
    deadlineMs: null,
    provider: 'gigachat',
    model: 'GigaChat-2',
    hasFiles: false,
    estimatedTokens: 1_100,
    ...fields,
  }
}

/** The same task in another record: what a producer that is not sure sends again. */
export function makeResend(task: NewTask): NewTask {
  return { ...task, source: { ...task.source, offset: BigInt(++made) } }
}

/** Tasks of one ordering key, in the order of their offsets. */
export function makeKeyedTasks(key: string, count: number): NewTask[] {
  const bytes = Buffer.from(key)
  return Array.from({ length: count }, () => makeNewTask({ key: bytes, orderingKey: bytes, type: 'ordered' }))
}
