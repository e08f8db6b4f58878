import { describe, expect, it } from 'vitest'
import { loadTaskRules } from './load-task-rules.js'
import { taskTypesSettings } from './task-types.settings.js'

describe('the task types in task-types/', () => {
  it('are well-formed, with and without a model in the settings', () => {
    const { types } = loadTaskRules(taskTypesSettings.parse({}))
    expect(types.names).toEqual(expect.arrayContaining(['chat-ordered', 'extract', 'prompt', 'summary']))
    expect(types.find('prompt')).toMatchObject({ provider: 'gigachat', model: 'GigaChat-2', params: { max_tokens: 1_024 }, maxAttempts: 5 })
    const other = loadTaskRules(taskTypesSettings.parse({ GIGACHAT_MODEL: 'GigaChat-2-Max' }))
    expect(other.types.find('prompt')?.model).toBe('GigaChat-2-Max')
  })
})
