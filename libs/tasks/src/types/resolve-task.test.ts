import { describe, expect, it } from 'vitest'
import type { TaskMessage } from '#libs/contracts'
import type { TaskType } from '#libs/kernel'
import { FileTaskTypes } from './file-task-types.js'
import { resolveTask, type ResolutionRules } from './resolve-task.js'
import { TenantDirectory, type Tenant } from './tenant-directory.js'

const base: TaskType = {
  name: 'prompt',
  provider: 'gigachat',
  model: 'GigaChat-2',
  allowedModels: ['GigaChat-2-Pro'],
  params: { temperature: 0.5, max_tokens: 100 },
  maxTokensLimit: 1_000,
  stream: false,
  ordering: 'none',
  maxAttempts: 5,
  deferralMs: {},
  onMaybePaid: 'retry',
  maxMaybePaid: 1,
  maxFileBytes: 1_000,
}
const responseSchema = { type: 'object' }
const types = new FileTaskTypes([
  base,
  { ...base, name: 'held', onMaybePaid: 'hold', params: { max_tokens: 100 } },
  { ...base, name: 'fixed', template: { name: 'summary', version: 2 } },
  { ...base, name: 'open', template: { name: 'summary' } },
  { ...base, name: 'extract', responseSchema },
  { ...base, name: 'acme-only', tenants: ['acme'] },
])
const acme: Tenant = { name: 'acme', filePrefixes: ['acme/'] }
const narrow: Tenant = { name: 'narrow', filePrefixes: [], taskTypes: ['prompt'], models: ['GigaChat-2'] }
const tenants = new TenantDirectory(
  [acme, narrow],
  new Map([
    ['tasks', ['acme', 'narrow']],
    ['narrow', ['narrow']],
    ['*', ['acme']],
  ]),
)

const TEMPLATE_TOKENS: Readonly<Record<string, number>> = { summary: 1_000 }
const prompts: ResolutionRules['prompts'] = {
  estimateTemplateTokens: (message, type) => TEMPLATE_TOKENS[(message.template ?? type.template)?.name ?? ''],
}

function resolve(message: Partial<TaskMessage>, topic = 'other') {
  const bare = message.messages === undefined && message.template === undefined
  return resolveTask({ task_id: 'a', ...(bare && { prompt: 'x' }), ...message }, topic, { types, tenants, prompts })
}

function problemOf(message: Partial<TaskMessage>, topic?: string): string {
  const { error } = resolve(message, topic)
  return `${error?.code} ${error?.message} ${error?.retryable}`
}

describe(resolveTask.name, () => {
  it('takes everything from the type and the topic where the message says nothing', () => {
    expect(resolve({}).task).toEqual({
      tenant: acme,
      type: base,
      provider: 'gigachat',
      model: 'GigaChat-2',
      params: base.params,
      onMaybePaid: 'retry',
      responseSchema: undefined,
      priority: 5,
      deadlineMs: null,
      hasFiles: false,
      estimatedTokens: 109,
    })
  })

  it('takes from the message what it may say', () => {
    const message: Partial<TaskMessage> = {
      tenant: 'acme',
      type: 'prompt',
      provider: 'gigachat',
      model: 'GigaChat-2-Pro',
      params: { temperature: 1, top_p: 0.1, max_tokens: 500 },
      priority: 9,
      deadline: '2026-01-31T12:00:00.5+03:00',
      on_maybe_paid: 'fail',
      response_schema: responseSchema,
      files: [{ key: 'acme/a' }],
    }
    expect(resolve(message).task).toMatchObject({
      model: 'GigaChat-2-Pro',
      params: { temperature: 1, top_p: 0.1, max_tokens: 500 },
      priority: 9,
      deadlineMs: Date.UTC(2026, 0, 31, 9, 0, 0, 500),
      onMaybePaid: 'fail',
      responseSchema,
      hasFiles: true,
      estimatedTokens: 4_605,
    })
  })

  it('keeps the identity of the response schema of a type', () => {
    expect(resolve({ type: 'extract' }).task?.responseSchema).toBe(responseSchema)
  })

  it.each([
    ['prompt', { max_tokens: 5_000 }, 1_000],
    ['prompt', { max_tokens: 7 }, 7],
    ['prompt', { temperature: 1 }, 100],
  ])('clamps max_tokens of type %s: %j', (type, params, expected) => {
    expect(resolve({ type, params }).task?.params.max_tokens).toBe(expected)
  })

  it('clamps max_tokens to the default of a type that gives no limit', () => {
    const { maxTokensLimit: _, ...unlimited } = base
    const rules = { types: new FileTaskTypes([unlimited]), tenants, prompts }
    expect(resolveTask({ task_id: 'a', prompt: 'x', params: { max_tokens: 500 } }, 'other', rules).task?.params.max_tokens).toBe(100)
  })

  it.each([
    [{}, 'tasks', 'tenant_not_allowed tenant: must be given, topic tasks has several false'],
    [{ tenant: 'narrow' }, 'other', 'tenant_not_allowed tenant: narrow may not send on topic other false'],
    [{ type: 'none' }, 'other', 'unknown_task_type type: there is no task type none false'],
    [{ type: 'acme-only' }, 'narrow', 'tenant_not_allowed type: tenant narrow may not use the task type acme-only false'],
    [{ type: 'held' }, 'narrow', 'tenant_not_allowed type: tenant narrow may not use the task type held false'],
    [{ provider: 'openai' }, 'other', 'model_not_allowed provider: the task type prompt uses gigachat, not openai false'],
    [{ model: 'gpt\u0000' }, 'other', 'model_not_allowed model: the task type prompt allows GigaChat-2, GigaChat-2-Pro false'],
    [{ model: 'GigaChat-2-Pro' }, 'narrow', 'model_not_allowed model: tenant narrow may not use GigaChat-2-Pro false'],
    [
      { type: 'held', on_maybe_paid: 'retry' as const },
      'other',
      'invalid_params on_maybe_paid: the task type held allows hold, fail (got retry) false',
    ],
    [
      { files: [{ key: 'a', name: 'file2' }, { key: 'b' }] },
      'other',
      'invalid_message files[1].name: file2 is the name of an earlier file false',
    ],
    [{ type: 'extract', response_schema: {} }, 'other', 'invalid_params response_schema: the task type extract has its own false'],
    [
      { response_schema: { type: 'objekt' } },
      'other',
      'invalid_message response_schema: is not a JSON Schema: /type must be equal to one of the allowed values false',
    ],
    [
      { type: 'fixed', messages: [{ role: 'user' as const, content: 'x' }] },
      'other',
      'invalid_message messages: the task type fixed has a template, so give template.variables or a prompt false',
    ],
    [
      { type: 'fixed', template: { name: 'other' } },
      'other',
      'invalid_message template.name: the task type fixed uses the template summary false',
    ],
    [
      { type: 'fixed', template: { name: 'summary', version: 1 } },
      'other',
      'invalid_message template.version: the task type fixed uses version 2 of summary false',
    ],
  ])('refuses %j on topic %s', (message, topic, problem) => {
    expect(problemOf(message, topic)).toBe(problem)
  })

  it.each([
    [{ type: 'fixed', template: { name: 'summary', version: 2 } }],
    [{ type: 'fixed', template: { name: 'summary' } }],
    [{ type: 'open', template: { name: 'summary', version: 7 } }],
    [{ type: 'fixed', prompt: 'x' }],
    [{ type: 'held', on_maybe_paid: 'hold' as const }],
    [{ type: 'acme-only' }],
    [{ template: { name: 'any' } }],
    [{ files: [{ key: 'a' }, { key: 'b' }, { key: 'c', name: 'notes' }] }],
  ])('allows %j', (message) => {
    expect(resolve(message).error).toBeUndefined()
  })

  it.each([
    [{ messages: [{ role: 'user' as const, content: 'abc' }] }, 109],
    [{ template: { name: 'any', variables: { a: 'abc' } } }, 100 + 256 + 4],
    [{ template: { name: 'any' } }, 100 + 256 + 1],
    [{ template: { name: 'summary' } }, 100 + 1_000 + 1],
    [{ type: 'fixed', prompt: 'x' }, 109 + 1_000],
    [{ prompt: 'x', files: [{ key: 'a' }, { key: 'b' }] }, 109 + 2 * 4_096],
  ])('estimates the tokens of %j', (message, expected) => {
    expect(resolve(message).task?.estimatedTokens).toBe(expected)
  })
})
