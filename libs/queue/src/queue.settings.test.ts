import { SettingsError } from '#libs/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { queueSettings } from './queue.settings.js'

const parse = (env: Record<string, string>) => queueSettings.parse({ KAFKA_BROKERS: 'kafka:9092', ...env })

function problemsOf(env: Record<string, string>): string[] {
  try {
    parse(env)
    return []
  } catch (error) {
    return (error as SettingsError).problems.map(({ setting, problem }) => `${setting}: ${problem}`)
  }
}

describe('queueSettings', () => {
  it('wants nothing but brokers', () => {
    const settings = parse({})
    expect(settings.topics).toEqual({ tasks: ['llm.tasks'], results: 'llm.results', deadLetters: 'llm.dead-letters' })
    expect(settings).toMatchObject({ groupId: 'sluice', groupProtocol: 'classic', window: { maxRecords: 2_048 }, stallTimeoutMs: 20_000 })
    expect([settings.sasl, settings.tls, settings.startFrom]).toEqual([undefined, undefined, undefined])
  })

  it.each([
    ['earliest', 'earliest'],
    ['latest', 'latest'],
    ['2026-01-31T09:00:00Z', Date.UTC(2026, 0, 31, 9)],
    ['2026-01-31T12:00:00.500+03:00', Date.UTC(2026, 0, 31, 9, 0, 0, 500)],
  ])('takes %s as a start', (text, startFrom) => {
    expect(parse({ KAFKA_START_FROM: text }).startFrom).toBe(startFrom)
  })

  it.each(['beginning', '2026-01-31', '2026-13-31T09:00:00Z', '0'])('refuses %s as a start and shows what to write', (text) => {
    expect(problemsOf({ KAFKA_START_FROM: text })).toEqual([
      `KAFKA_START_FROM: must be earliest, latest or a time such as 2026-01-31T09:00:00Z (got "${text}")`,
    ])
  })

  it('names everything that SASL needs', () => {
    expect(problemsOf({ KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' })).toEqual([
      'KAFKA_SASL_USERNAME: must be set where KAFKA_SASL_MECHANISM is set',
      'KAFKA_SASL_PASSWORD: must be set where KAFKA_SASL_MECHANISM is set',
    ])
  })

  it('reads certificates and the password from their files, and remembers where the password lies', () => {
    const folder = mkdtempSync(join(tmpdir(), 'queue-settings-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const settings = parse({
      KAFKA_TLS_ENABLED: 'true',
      KAFKA_TLS_CA_FILE: file('ca', 'CA\n'),
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: 'sluice',
      KAFKA_SASL_PASSWORD_FILE: file('password', 'secret\n'),
    })
    expect(settings.tls).toEqual({ ca: 'CA', cert: undefined, key: undefined })
    expect(settings.sasl).toEqual({ mechanism: 'PLAIN', username: 'sluice', password: 'secret', passwordFile: join(folder, 'password') })
  })

  it('refuses a drain that does not fit into the session', () => {
    expect(problemsOf({ KAFKA_DRAIN_TIMEOUT_MS: '8000' })).toEqual([
      'KAFKA_DRAIN_TIMEOUT_MS: must be at most KAFKA_SESSION_TIMEOUT_MS less 3000 (got 8000 > 7000)',
    ])
  })

  it('makes topics on a developer machine, elsewhere only where it is told to', () => {
    expect(parse({}).createTopics).toEqual({ partitions: 6, replicationFactor: 1 })
    expect(parse({ SLUICE_PROFILE: 'prod' }).createTopics).toBeUndefined()
    const told = { SLUICE_PROFILE: 'prod', KAFKA_CREATE_TOPICS: 'true', KAFKA_CREATE_TOPICS_PARTITIONS: '12' }
    expect(parse(told).createTopics).toEqual({ partitions: 12, replicationFactor: 1 })
    expect(parse({ KAFKA_CREATE_TOPICS: 'false' }).createTopics).toBeUndefined()
  })
})
