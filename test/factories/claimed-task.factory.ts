import type { ClaimedTask } from '#libs/kernel'

let made = 0

/** A task of type `prompt` that was claimed with its first attempt open, unless the fields say otherwise. */
export function makeClaimedTask(fields: Partial<ClaimedTask> = {}): ClaimedTask {
  const number = ++made
  const taskId = fields.taskId ?? `task-${number}`
  return {
    id: number,
    acceptedOn: '2026-01-02',
    acceptedAtMs: Date.UTC(2026, 0, 2, 3, 4, 0),
    waitedMs: 0,
    tenant: 'default',
    taskId,
    type: 'prompt',
    priority: 5,
    source: { topic: 'llm.tasks', partition: 0, offset: BigInt(number) },
    key: null,
    orderingKey: null,
    run: 1,
    attempts: 1,
    maybePaid: 0,
    payload: JSON.stringify({ task_id: taskId, prompt: 'a question' }),
    traceparent: null,
    correlationId: null,
    deadlineMs: null,
    provider: 'gigachat',
    model: 'GigaChat-2',
    hasFiles: false,
    estimatedTokens: 1_100,
    settingsVersion: 1,
    promptVersion: null,
    leaseId: 1,
    claim: 1,
    deferralClass: null,
    deferrals: 0,
    crashes: 0,
    freeAttemptUsed: false,
    attempt: { id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`, number: 1 },
    storedAnswer: null,
    ...fields,
  }
}
