import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../../../test/factories/temporary-folder.factory.js'
import { admissionSettings } from './admission.settings.js'
import { Limits } from './limits/limits.js'
import { makeLane } from './testing/make-lane.js'

function writeLimits(text: string): string {
  const path = join(makeTemporaryFolder(), 'limits.yaml')
  writeFileSync(path, text)
  return path
}

describe('admissionSettings', () => {
  it('has limits only where they are configured', () => {
    const settings = admissionSettings.parse({})
    expect(settings).toMatchObject({ limits: { credentials: {}, tenants: {} }, intervalMs: 250, idleIntervalMs: 500 })
    const limits = new Limits(settings.limits, 7)
    expect(limits.gatesOf(makeLane())).toEqual([{ gate: 'credential:gigachat', limit: 7 }])
    expect(limits.weightOf('default')).toBe(1)
  })

  it('reads LIMITS_FILE', () => {
    const file = writeLimits(`
credentials:
  gigachat:
    max_streams: 20
    models: { GigaChat-2-Max: { max_streams: 4 } }
tenants:
  reports: { weight: 0.5, max_streams: 6 }
`)
    const limits = new Limits(admissionSettings.parse({ LIMITS_FILE: file }).limits, 7)
    expect(limits.gatesOf(makeLane({ model: 'GigaChat-2-Max', tenant: 'reports' }))).toEqual([
      { gate: 'credential:gigachat', limit: 20 },
      { gate: 'model:gigachat/GigaChat-2-Max', limit: 4 },
      { gate: 'tenant:reports', limit: 6 },
    ])
    expect(limits.gatesOf(makeLane({ provider: 'openai' }))).toEqual([{ gate: 'credential:openai', limit: 7 }])
    expect(limits.weightOf('reports')).toBe(0.5)
  })

  it.each([
    ['credentials:\n  gigachat:\n    max_streams: 0\n', /LIMITS_FILE \S+limits\.yaml credentials\.gigachat\.max_streams/],
    ['credentials:\n  gigachat:\n    models: { m: { max_stream: 1 } }\n', /credentials\.gigachat\.models\.m/],
    ['tenants:\n  a: { weight: -1 }\n', /tenants\.a\.weight/],
    ['tenants:\n  "a b": {}\n', /tenants\.a b/],
    ['limits: {}\n', /limits/],
    ['tenants: [\n', /line 2/],
  ])('says where %j is wrong', (text, problem) => {
    const parse = () => admissionSettings.parse({ LIMITS_FILE: writeLimits(text) })
    expect(parse).toThrow(problem)
  })

  it('says that the file is not there', () => {
    expect(() => admissionSettings.parse({ LIMITS_FILE: '/nowhere/limits.yaml' })).toThrow('LIMITS_FILE /nowhere/limits.yaml')
  })

  it('reports everything that is wrong at once', () => {
    const env = {
      LLM_BREAKER_OPEN_MS: '5000',
      LLM_BREAKER_MAX_OPEN_MS: '1000',
      LLM_UNPAID_OPEN_MS: '5000',
      LLM_UNPAID_MAX_OPEN_MS: '1000',
      LIMITS_FILE: writeLimits('credentials: 1\n'),
    }
    expect(() => admissionSettings.parse(env)).toThrow(
      /LLM_BREAKER_OPEN_MS.*must be at most LLM_BREAKER_MAX_OPEN_MS \(got 5000 > 1000\)[^]*LLM_UNPAID_OPEN_MS[^]*credentials/,
    )
  })

  it('is idle no shorter than it is busy', () => {
    expect(admissionSettings.parse({ ADMISSION_INTERVAL_MS: '2000' })).toMatchObject({ intervalMs: 2_000, idleIntervalMs: 2_000 })
  })
})
