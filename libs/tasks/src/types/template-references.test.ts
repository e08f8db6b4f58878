import { describe, expect, it } from 'vitest'
import { PromptRenderer, type TaskType } from '#libs/kernel'
import { FileTaskTypes } from './file-task-types.js'
import { TemplateReferences } from './template-references.js'

class OnlySummary extends PromptRenderer {
  override render(): never {
    throw new Error('render is not stubbed')
  }

  override estimateTemplateTokens(): never {
    throw new Error('estimateTemplateTokens is not stubbed')
  }

  override hasTemplate(name: string, version?: number): boolean {
    return name === 'summary' && (version ?? 1) === 1
  }
}

function makeReferences(templates: Record<string, TaskType['template']>): TemplateReferences {
  const types = Object.entries(templates).map(([name, template]) => ({ name, template }) as Partial<TaskType> as TaskType)
  return new TemplateReferences(new FileTaskTypes(types), new OnlySummary())
}

describe(TemplateReferences.name, () => {
  it('lets types pass that name no template or one that exists', () => {
    expect(() => makeReferences({ a: undefined, b: { name: 'summary' }, c: { name: 'summary', version: 1 } }).onModuleInit()).not.toThrow()
  })

  it('names every type whose template does not exist', () => {
    expect(() => makeReferences({ a: { name: 'summary', version: 2 }, b: { name: 'none' } }).onModuleInit()).toThrow(
      '2 wrong or missing settings:\n  task type a template: PROMPTS_DIR has no summary version 2\n  task type b template: PROMPTS_DIR has no none',
    )
  })
})
