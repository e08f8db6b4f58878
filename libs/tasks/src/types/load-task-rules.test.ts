import { Test } from '@nestjs/testing'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigModule, type SettingsError } from '#libs/config'
import { TaskTypes } from '#libs/kernel'
import { loadTaskRules } from './load-task-rules.js'
import { TaskTypesModule } from './task-types.module.js'
import { taskTypesSettings } from './task-types.settings.js'
import { TenantDirectory } from './tenant-directory.js'

interface Files {
  readonly types: Record<string, string>
  readonly tenants?: string
}

function makeSettings({ types, tenants }: Files, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'types'))
  for (const [name, text] of Object.entries(types)) writeFileSync(join(folder, 'types', name), text)
  if (tenants !== undefined) writeFileSync(join(folder, 'tenants.yaml'), tenants)
  const tenantsFile = tenants === undefined ? {} : { TENANTS_FILE: join(folder, 'tenants.yaml') }
  return { folder, settings: taskTypesSettings.parse({ TASK_TYPES_DIR: join(folder, 'types'), ...tenantsFile, ...env }) }
}

function load(files: Files, env?: Record<string, string>) {
  return loadTaskRules(makeSettings(files, env).settings)
}

function problemsOf(files: Files, env?: Record<string, string>): string[] {
  const { folder, settings } = makeSettings(files, env)
  try {
    loadTaskRules(settings)
    return []
  } catch (error) {
    return (error as SettingsError).problems.map(({ setting, problem }) => `${setting.replaceAll(`${folder}/`, '')}: ${problem}`)
  }
}

const prompt = { 'prompt.yaml': '{}' }

describe(loadTaskRules.name, () => {
  it('fills in every default', () => {
    expect(load({ types: prompt }).types.all).toEqual([
      {
        name: 'prompt',
        provider: 'gigachat',
        model: 'GigaChat-2',
        params: { max_tokens: 1_024 },
        stream: false,
        ordering: 'none',
        maxAttempts: 5,
        deferralMs: {},
        onMaybePaid: 'retry',
        maxMaybePaid: 1,
        maxFileBytes: 5_242_880,
      },
    ])
  })

  it('takes every field', () => {
    const text = `
name: prompt
description: everything
tenants: [default]
provider: openai
model: gpt
allowed_models: [gpt, gpt-large]
params: { temperature: 0.1, max_tokens: 10 }
max_tokens_limit: 20
template: { name: summary, version: 3 }
stream: true
ordering: key
max_attempts: 2
deferral: [500ms, 1s, 2m, 3h, 1d]
deferral_by_class: { rate_limited: [1s, 1m], bad_answer: [1s] }
on_maybe_paid: hold
max_maybe_paid: 0
max_file_size: 512KiB
response_schema: { type: object }
`
    expect(load({ types: { 'prompt.yml': text } }).types.find('prompt')).toEqual({
      name: 'prompt',
      tenants: ['default'],
      provider: 'openai',
      model: 'gpt',
      allowedModels: ['gpt', 'gpt-large'],
      params: { temperature: 0.1, max_tokens: 10 },
      maxTokensLimit: 20,
      template: { name: 'summary', version: 3 },
      stream: true,
      ordering: 'key',
      maxAttempts: 2,
      deferralMs: {
        provider_error: [500, 1_000, 120_000, 10_800_000, 86_400_000],
        bad_answer: [1_000],
        internal: [500, 1_000, 120_000, 10_800_000, 86_400_000],
        rate_limited: [1_000, 60_000],
      },
      onMaybePaid: 'hold',
      maxMaybePaid: 0,
      maxFileBytes: 524_288,
      responseSchema: { type: 'object' },
    })
  })

  it('takes the model from the settings of the provider', () => {
    expect(load({ types: prompt }, { GIGACHAT_MODEL: 'GigaChat-2-Max' }).types.find('prompt')?.model).toBe('GigaChat-2-Max')
    expect(load({ types: prompt }, { LLM_PROVIDER: 'openai', OPENAI_MODEL: 'gpt' }).types.find('prompt')).toMatchObject({
      provider: 'openai',
      model: 'gpt',
    })
  })

  it('takes the limit as the default of max_tokens where only that is given', () => {
    expect(load({ types: { 'prompt.yaml': 'max_tokens_limit: 300' } }).types.find('prompt')?.params.max_tokens).toBe(300)
  })

  it('knows one tenant on every topic where there is no file of tenants', () => {
    const { tenants } = load({ types: prompt })
    expect(tenants.resolve('any', undefined)).toEqual({ tenant: { name: 'default', filePrefixes: ['inputs/'] } })
  })

  it('reads tenants, what they may use and their topics', () => {
    const { tenants } = load({
      types: prompt,
      tenants:
        'tenants: { acme: { file_prefixes: [acme/in/], task_types: [prompt], models: [m] }, beta: {} }\ntopics: { "*": [acme], both: [acme, beta] }',
    })
    expect(tenants.resolve('any', undefined).tenant).toEqual({
      name: 'acme',
      filePrefixes: ['acme/in/'],
      taskTypes: ['prompt'],
      models: ['m'],
    })
    expect(tenants.resolve('both', 'beta').tenant).toEqual({ name: 'beta', filePrefixes: [] })
  })

  it('names the problems of all files at once, with what to write', () => {
    expect(
      problemsOf({
        types: {
          'prompt.yaml': 'maxAttempts: 3\non_maybe_paid: never',
          'a b.yaml': '{}',
          'broken.yaml': 'name: [',
          'clash.yaml': 'name: other\nparams: { max_tokens: 10 }\nmax_tokens_limit: 5\nprovider: openai',
          'schema.yaml': 'response_schema: { type: object, requierd: [a] }',
          'units.yaml': 'deferral: [5, 5x]\nmax_file_size: 1GB\nparams: { max_token: 5 }',
          'huge.yaml': 'max_file_size: 65MiB',
          'twice.yaml': '{}',
          'twice.yml': '{}',
          'waits.yaml': 'deferral: []\ndeferral_by_class: { auth: [2s, 1s], payment: [2d], rate_limit: [1s], handover: [1s] }',
          'notes.txt': '',
        },
        tenants: 'tenants: { acme: { file_prefixes: [/abs/, a, a/../b/] } }\ntopics: {}\ntopic: {}',
      }),
    ).toEqual([
      'types/a b.yaml: the file must be named by its type: 1 to 64 of A-Z a-z 0-9 . _ -',
      expect.stringMatching(/^types\/broken\.yaml: is not YAML: /),
      'types/clash.yaml name: must be clash, as the file is named, or left out (got other)',
      'types/clash.yaml model: is missing: provider openai has no default model in the settings',
      'types/clash.yaml max_tokens_limit: must be at least params.max_tokens (got 5 < 10)',
      'types/huge.yaml max_file_size: must be at most 67108864',
      'types/prompt.yaml on_maybe_paid: must be one of retry, hold, fail',
      'types/prompt.yaml maxAttempts: unknown field; did you mean max_attempts?',
      'types/schema.yaml response_schema: cannot be used: strict mode: unknown keyword: "requierd"',
      'types/units.yaml params.max_token: unknown field; did you mean max_tokens?',
      'types/units.yaml deferral[0]: must be a text',
      'types/units.yaml deferral[1]: must be a number with ms, s, m, h or d, as in 30s (got "5x")',
      'types/units.yaml max_file_size: must be a whole number with B, KiB or MiB, as in 5MiB (got "1GB")',
      'types/waits.yaml deferral: must have at least one step',
      'types/waits.yaml deferral_by_class.payment: must have steps of more than 0 and at most 24 h (got 172800000 ms)',
      'types/waits.yaml deferral_by_class.auth: must not have a step that is shorter than the one before it (got 1000 after 2000 ms)',
      'types/waits.yaml deferral_by_class.rate_limit: unknown field; did you mean rate_limited?',
      'types/waits.yaml deferral_by_class.handover: unknown field; known fields: rate_limited, provider_down, provider_error, bad_answer, payment, auth, storage_down, ledger_down, rollout, internal',
      'types/twice: is there as .yaml and as .yml: remove one of them',
      'TENANTS_FILE tenants.yaml tenants.acme.file_prefixes[0]: must be a folder of the bucket: no "/" before it, one after it, as in inputs/',
      'TENANTS_FILE tenants.yaml tenants.acme.file_prefixes[1]: must be a folder of the bucket: no "/" before it, one after it, as in inputs/',
      'TENANTS_FILE tenants.yaml tenants.acme.file_prefixes[2]: must not have ".." in it',
      'TENANTS_FILE tenants.yaml topic: unknown field; did you mean topics?',
    ])
  })

  it('names tenants and types that do not exist', () => {
    expect(
      problemsOf({
        types: { 'prompt.yaml': 'tenants: [beta]' },
        tenants: 'tenants: { acme: { task_types: [summary] } }\ntopics: { "*": [acme] }',
      }),
    ).toEqual([
      'types/prompt.yaml tenants: names the tenant beta, which does not exist',
      'TENANTS_FILE tenants.yaml tenants.acme.task_types: names the type summary, which does not exist',
    ])
    expect(problemsOf({ types: prompt, tenants: 'tenants: { acme: {} }\ntopics: { "*": [acme, gamma] }' })).toEqual([
      'TENANTS_FILE tenants.yaml topics.*: names the tenant gamma, which is not under tenants',
    ])
  })

  it('lets no tenant read the answers of all', () => {
    const files = { types: prompt, tenants: 'tenants: { acme: { file_prefixes: [out/x/, out/, o/] } }\ntopics: { "*": [acme] }' }
    expect(problemsOf(files, { S3_ANSWERS_PREFIX: 'out/x/' })).toEqual([
      'TENANTS_FILE tenants.yaml tenants.acme.file_prefixes: must not reach the answers of all tenants in out/x/ (got out/x/)',
      'TENANTS_FILE tenants.yaml tenants.acme.file_prefixes: must not reach the answers of all tenants in out/x/ (got out/)',
    ])
  })

  it('needs the default type and folders that can be read', () => {
    expect(problemsOf({ types: { 'other.yaml': '{}' } })[0]).toMatch(/^TASK_TYPES_DIR types: has no prompt\.yaml/)
    expect(problemsOf({ types: prompt }, { TASK_TYPES_DIR: '/nowhere', TENANTS_FILE: '/nowhere.yaml' })).toEqual([
      expect.stringMatching(/^TASK_TYPES_DIR \/nowhere: cannot read the folder: ENOENT/),
      expect.stringMatching(/^TENANTS_FILE \/nowhere\.yaml: cannot be read: ENOENT/),
    ])
  })
})

describe(TaskTypesModule.name, () => {
  it('gives the task types and tenants that ship', async () => {
    const module = await Test.createTestingModule({ imports: [ConfigModule.forRoot([taskTypesSettings]), TaskTypesModule] }).compile()
    expect(module.get(TaskTypes).find('prompt')?.name).toBe('prompt')
    expect(module.get(TenantDirectory).find('default')?.filePrefixes).toEqual(['inputs/'])
  })
})
