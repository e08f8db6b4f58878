import { describe, expect, it } from 'vitest'
import { makeLiquidEngine } from './liquid-engine.js'
import { loadPromptTemplates } from './load-prompt-templates.js'

describe('the templates in prompts/', () => {
  const { templates, problems } = loadPromptTemplates('prompts', makeLiquidEngine())

  it('have no problem', () => {
    expect(problems).toEqual([])
  })

  it.each(templates)('$name@$version describes itself and has variables', ({ description, variables }) => {
    expect(description).not.toBe('')
    expect(Object.keys(variables)).not.toEqual([])
  })

  it.each(templates)('$name@$version holds no secret', ({ parts }) => {
    const text = JSON.stringify(parts.map(({ parsed }) => parsed.map(({ token }) => token.getText())))
    expect(text).not.toMatch(/password|secret|token|api[_-]?key|bearer/i)
  })
})
