import type { TaskType } from '#libs/kernel'

/** The type `prompt` with few limits. */
export function makeTaskType(fields: Partial<TaskType> = {}): TaskType {
  return {
    name: 'prompt',
    provider: 'gigachat',
    model: 'GigaChat-2',
    params: { max_tokens: 100 },
    stream: false,
    ordering: 'none',
    maxAttempts: 3,
    deferralMs: { provider_error: [1_000, 5_000], internal: [1_000, 5_000] },
    onMaybePaid: 'retry',
    maxMaybePaid: 1,
    maxFileBytes: 1_000,
    ...fields,
  }
}
