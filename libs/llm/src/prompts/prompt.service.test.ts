import { Test } from '@nestjs/testing'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, afterAll, describe, expect, it } from 'vitest'
import { ConfigModule } from '#libs/config'
import type { TaskMessage } from '#libs/contracts'
import { estimateMessageTokens, PromptRenderer, type FileText, type TaskType } from '#libs/kernel'
import { PromptService } from './prompt.service.js'
import { PromptsModule } from './prompts.module.js'
import { promptsSettings } from './prompts.settings.js'

const TEMPLATES = {
  'greet/1.yaml': `
variables: { name: { type: string }, facts: { type: object, required: false } }
system: Be {{ name }}.
user: |
  Hello {{ name }}!{% if facts %} {{ facts.age }}{% endif %}
`,
  'greet/2.yaml': 'variables: { name: { type: string } }\nuser: Hi {{ name }}',
  'wrap/1.yaml': 'variables: { prompt: { type: string } }\nuser: "Q: {{ prompt }}"',
  'report/1.yaml': 'user: "{{ files.report | block: \'report\' }} {% if files.notes %}{{ files.notes }}{% endif %}"',
  'slow/1.yaml': 'variables: { n: { type: number } }\nuser: "{% for i in (1..n) %}x{% endfor %}"',
}
const folder = mkdtempSync(join(tmpdir(), 'prompts-'))
let service: PromptRenderer

interface Given {
  readonly message?: Partial<TaskMessage>
  readonly type?: Partial<TaskType>
  readonly files?: Record<string, string>
  readonly contextWindow?: number
  readonly maxTokens?: number
  readonly pinnedVersion?: string
}

function render({ message = {}, type = {}, files = {}, contextWindow, maxTokens = 10, pinnedVersion }: Given) {
  return service.render({
    message: { task_id: 'a', ...message },
    type: { name: 'prompt', ...type } as TaskType,
    files: Object.entries(files).map(([name, text]) => ({ name, text }) as FileText & { name: string }),
    contextWindow,
    maxTokens,
    pinnedVersion,
  })
}

beforeAll(async () => {
  for (const [name, text] of Object.entries(TEMPLATES)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  process.env.PROMPTS_DIR = folder
  const module = await Test.createTestingModule({ imports: [ConfigModule.forRoot([promptsSettings]), PromptsModule] }).compile()
  delete process.env.PROMPTS_DIR
  service = module.get(PromptRenderer)
})

afterAll(() => rmSync(folder, { recursive: true }))

describe(PromptService.name, () => {
  it('makes one message of a plain prompt, as it stands', () => {
    expect(render({ message: { prompt: 'Say {{ name }} {% if %}' } })).toEqual({
      messages: [{ role: 'user', content: 'Say {{ name }} {% if %}' }],
      estimatedPromptTokens: 16,
    })
  })

  it('passes messages on, as they stand', () => {
    const messages: TaskMessage['messages'] = [
      { role: 'system', content: 's' },
      { role: 'user', content: '{{ x }}' },
      { role: 'assistant', content: 'a' },
    ]
    expect(render({ message: { messages } }).messages).toEqual(messages)
  })

  it.each([
    [['user', 'system'], 'messages[1].role'],
    [['system', 'system', 'user'], 'messages[1].role'],
  ] as const)('refuses a system message that is not the first one: %j', (roles, field) => {
    const messages = roles.map((role) => ({ role, content: 'x' }))
    expect(() => render({ message: { messages } })).toThrow(
      expect.objectContaining({ code: 'invalid_message', message: `${field}: system may only be the first message, and only once` }),
    )
  })

  it('replaces lone surrogates, which are no UTF-8', () => {
    expect(render({ message: { prompt: 'a\ud800b' } }).messages[0]?.content).toBe('a\ufffdb')
  })

  describe('with a template', () => {
    it('renders the latest version, or the one that is asked for, and names it', () => {
      expect(render({ message: { template: { name: 'greet', variables: { name: 'Ann' } } } })).toMatchObject({
        messages: [{ role: 'user', content: 'Hi Ann' }],
        promptVersion: 'greet@2',
      })
      expect(render({ message: { template: { name: 'greet', version: 1, variables: { name: 'Ann', facts: { age: 5 } } } } })).toMatchObject(
        {
          messages: [
            { role: 'system', content: 'Be Ann.' },
            { role: 'user', content: 'Hello Ann! 5' },
          ],
          promptVersion: 'greet@1',
        },
      )
    })

    it('renders the version that the type pins', () => {
      const type = { template: { name: 'greet', version: 1 } }
      expect(render({ type, message: { template: { name: 'greet', variables: { name: 'Ann' } } } }).promptVersion).toBe('greet@1')
    })

    it('keeps to the version with which the run began, whatever is the latest or what its type says by now', () => {
      const message: Partial<TaskMessage> = { template: { name: 'greet', variables: { name: 'Ann' } } }
      expect(render({ message, pinnedVersion: 'greet@1' })).toMatchObject({ promptVersion: 'greet@1' })
      expect(render({ message: { prompt: 'x' }, type: { template: { name: 'report' } }, pinnedVersion: 'wrap@1' })).toMatchObject({
        messages: [{ content: 'Q: x' }],
        promptVersion: 'wrap@1',
      })
    })

    it('asks to be tried later when it does not have that version: another replica may, while a release is rolled out', () => {
      expect(() => render({ message: { template: { name: 'greet' } }, pinnedVersion: 'greet@3' })).toThrow(
        expect.objectContaining({ code: 'template_not_found', retryable: true, message: expect.stringContaining('greet@3') as string }),
      )
    })

    it('gives a plain prompt to the template of the type as its variable', () => {
      expect(render({ type: { template: { name: 'wrap' } }, message: { prompt: '{{ prompt }}' } }).messages).toEqual([
        { role: 'user', content: 'Q: {{ prompt }}' },
      ])
    })

    it('refuses messages where the type has a template', () => {
      const message = { messages: [{ role: 'user' as const, content: 'x' }] }
      expect(() => render({ type: { template: { name: 'wrap' } }, message })).toThrow(expect.objectContaining({ code: 'invalid_message' }))
    })

    it('needs its variables also where the task brings none', () => {
      expect(() => render({ message: { template: { name: 'greet' } } })).toThrow(
        expect.objectContaining({ code: 'template_variable_missing' }),
      )
    })

    it('names a property that a value does not have', () => {
      expect(() => render({ message: { template: { name: 'greet', version: 1, variables: { name: 'Ann', facts: {} } } } })).toThrow(
        expect.objectContaining({
          code: 'template_variable_missing',
          message: 'greet@1 needs facts.age: give it in template.variables',
          retryable: false,
        }),
      )
    })

    it('ends as template_invalid where a limit is reached', () => {
      expect(() => render({ message: { template: { name: 'slow', variables: { n: 1e12 } } } })).toThrow(
        expect.objectContaining({ code: 'template_invalid', message: expect.stringContaining('memory alloc limit exceeded') as string }),
      )
    })

    it('refuses one that does not exist', () => {
      expect(() => render({ message: { template: { name: 'none' } } })).toThrow(expect.objectContaining({ code: 'template_not_found' }))
    })
  })

  it.each([
    ['greet', undefined, true],
    ['greet', 2, true],
    ['greet', 3, false],
    ['none', undefined, false],
  ])('knows whether there is a template %s of version %s', (name, version, expected) => {
    expect(service.hasTemplate(name, version)).toBe(expected)
  })

  it.each([
    [{ template: { name: 'greet' } }, {}, 'Hi {{ name }}'],
    [{}, { template: { name: 'wrap' } }, 'Q: {{ prompt }}'],
    [{ template: { name: 'greet' } }, { template: { name: 'greet', version: 2 } }, 'Hi {{ name }}'],
  ])('estimates the text that the template of %j in a type %j brings', (message, type, text) => {
    expect(service.estimateTemplateTokens(message, type)).toBe(estimateMessageTokens([{ content: text }]))
  })

  it('estimates the system message too', () => {
    expect(service.estimateTemplateTokens({}, { template: { name: 'greet', version: 1 } })).toBe(
      estimateMessageTokens([{ content: 'Be {{ name }}.' }, { content: 'Hello {{ name }}!{% if facts %} {{ facts.age }}{% endif %}\n' }]),
    )
  })

  it('estimates nothing where there is no template, or it is not here', () => {
    expect(service.estimateTemplateTokens({}, {})).toBeUndefined()
    expect(service.estimateTemplateTokens({ template: { name: 'none' } }, {})).toBeUndefined()
  })

  describe('with files', () => {
    const template = { name: 'report' }

    it('puts in those that the template names, and adds the others as blocks', () => {
      const [message] = render({ message: { template }, files: { report: 'R {{ x }}', notes: 'N', other: 'O' } }).messages
      expect(message?.content).toMatch(
        /^<file name="report" .*>\nR \{\{ x \}\}\n<\/file boundary="\w+"> N\n\n<file name="other" .*>\nO\n<\/file boundary="\w+">$/,
      )
    })

    it('names a file that the template needs and the task does not have', () => {
      expect(() => render({ message: { template } })).toThrow(
        expect.objectContaining({
          code: 'template_variable_missing',
          message: 'report@1 needs files.report: give the task a file of this name',
        }),
      )
    })

    it('adds them to the last message of the user', () => {
      const messages: TaskMessage['messages'] = [
        { role: 'user', content: 'one' },
        { role: 'user', content: 'two' },
        { role: 'assistant', content: 'three' },
      ]
      const contents = render({ message: { messages }, files: { file1: 'F' } }).messages.map(({ content }) => content)
      expect(contents).toEqual(['one', expect.stringMatching(/^two\n\n<file name="file1" /), 'three'])
    })

    it('adds them in a message of their own where there is none of the user', () => {
      const messages: TaskMessage['messages'] = [{ role: 'system', content: 'one' }]
      expect(render({ message: { messages }, files: { file1: 'F' } }).messages[1]).toMatchObject({ role: 'user' })
    })
  })

  describe('with a context window', () => {
    it('refuses what does not fit, with the figures', () => {
      const message = { prompt: 'x'.repeat(300) }
      expect(render({ message, contextWindow: 118 }).estimatedPromptTokens).toBe(108)
      expect(() => render({ message, contextWindow: 117 })).toThrow(
        expect.objectContaining({
          code: 'prompt_too_large',
          details: { estimatedPromptTokens: 108, maxTokens: 10, contextWindow: 117 },
          message: "the prompt has about 108 tokens; with max_tokens 10 that is more than the model's window of 117",
        }),
      )
    })

    it('counts files too', () => {
      expect(() => render({ message: { prompt: 'x' }, files: { file1: 'x'.repeat(3_000) }, contextWindow: 1_000 })).toThrow(
        expect.objectContaining({ code: 'prompt_too_large' }),
      )
    })
  })
})
