import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SettingsError } from '#libs/config'
import { llmSettings } from './llm.settings.js'
import { makeIdentity } from './testing/certificates.js'

const KEY = { GIGACHAT_CREDENTIALS: 'a2V5' }

function problemsOf(env: Record<string, string>): string[] {
  try {
    llmSettings.parse(env)
    return []
  } catch (error) {
    return (error as SettingsError).problems.map(({ setting, problem }) => `${setting}: ${problem}`)
  }
}

function writeFile(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'llm-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'file')
  writeFileSync(path, content)
  return path
}

describe('llmSettings', () => {
  it('needs only a key', () => {
    expect(llmSettings.parse(KEY)).toMatchObject({
      gigachat: {
        baseUrl: new URL('https://gigachat.devices.sberbank.ru/api/v1'),
        credentials: {
          kind: 'key',
          key: 'a2V5',
          scope: 'GIGACHAT_API_PERS',
          authUrl: new URL('https://ngw.devices.sberbank.ru:9443/api/v2/oauth'),
        },
        model: 'GigaChat-2',
        profanityCheck: undefined,
        structuredOutput: false,
        tls: { verify: true },
      },
      openai: undefined,
      maxStreams: 1,
      connectTimeoutMs: 10_000,
      limits: { callTimeoutMs: 120_000, maxAnswerBytes: 33_554_432 },
    })
  })

  it.each([
    [KEY, 1],
    [{ ...KEY, GIGACHAT_SCOPE: 'GIGACHAT_API_B2B' }, 10],
    [{ ...KEY, GIGACHAT_SCOPE: 'GIGACHAT_API_CORP', LLM_MAX_STREAMS: '40' }, 40],
    [{ OPENAI_BASE_URL: 'http://localhost:8000/v1' }, 10],
  ])('allows the streams of the account of %j', (env, maxStreams) => {
    expect(llmSettings.parse(env).maxStreams).toBe(maxStreams)
  })

  it('reads what GigaChat may be told', () => {
    const root = makeIdentity('Root', { authority: true })
    const client = makeIdentity('client', { issuer: root })
    const { gigachat } = llmSettings.parse({
      GIGACHAT_CERT_FILE: writeFile(client.certPem),
      GIGACHAT_KEY_FILE: writeFile(client.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pw' }).toString()),
      GIGACHAT_KEY_FILE_PASSWORD: 'pw',
      GIGACHAT_CA_BUNDLE_FILE: writeFile(root.certPem),
      GIGACHAT_PROFANITY_CHECK: 'false',
      GIGACHAT_VERIFY_SSL_CERTS: 'false',
    })
    expect(gigachat).toMatchObject({
      credentials: { kind: 'certificate' },
      profanityCheck: false,
      tls: { verify: false, caBundle: root.certPem.trimEnd(), cert: client.certPem.trimEnd(), keyPassword: 'pw' },
    })
  })

  it('prefers a given token, and takes user and password', () => {
    expect(llmSettings.parse({ ...KEY, GIGACHAT_ACCESS_TOKEN: 't' }).gigachat?.credentials).toEqual({ kind: 'token', token: 't' })
    expect(
      llmSettings.parse({ GIGACHAT_USER: 'u', GIGACHAT_PASSWORD: 'p', GIGACHAT_BASE_URL: 'https://stand/v1/' }).gigachat?.credentials,
    ).toEqual({
      kind: 'user',
      user: 'u',
      password: 'p',
      authUrl: new URL('https://stand/v1/token'),
    })
  })

  it('reads an OpenAI-compatible endpoint', () => {
    const root = makeIdentity('Root', { authority: true })
    const { openai, gigachat, contextWindows } = llmSettings.parse({
      OPENAI_BASE_URL: 'http://localhost:8000/v1',
      OPENAI_API_KEY: 'sk',
      OPENAI_MODEL: 'qwen',
      OPENAI_CA_BUNDLE: root.certPem,
      LLM_CONTEXT_WINDOWS: 'qwen=32768, other = 5',
    })
    expect(gigachat).toBeUndefined()
    expect(openai).toMatchObject({ apiKey: 'sk', model: 'qwen', tls: { verify: true, caBundle: root.certPem } })
    expect([...contextWindows]).toEqual([
      ['qwen', 32_768],
      ['other', 5],
    ])
  })

  it.each([
    [{}, ['GIGACHAT_CREDENTIALS: is missing, and so is OPENAI_BASE_URL: no provider is configured']],
    [{ OPENAI_API_KEY: 'sk' }, ['OPENAI_BASE_URL: is missing: OPENAI_API_KEY is set']],
    [{ GIGACHAT_USER: 'u' }, ['GIGACHAT_PASSWORD: is missing: GIGACHAT_USER is set']],
    [{ ...KEY, GIGACHAT_CERT: 'x' }, ['GIGACHAT_KEY_FILE: is missing: a client certificate and its key belong together']],
    [{ ...KEY, LLM_CONTEXT_WINDOWS: 'a=1,b' }, ['LLM_CONTEXT_WINDOWS: must be a list of model=tokens (got "b")']],
    [
      { ...KEY, OPENAI_BASE_URL: 'http://x', SLUICE_PROFILE: 'prod', GIGACHAT_VERIFY_SSL_CERTS: 'false', OPENAI_VERIFY_SSL_CERTS: 'no' },
      [
        'GIGACHAT_VERIFY_SSL_CERTS: must be true where SLUICE_PROFILE is prod; set GIGACHAT_CA_BUNDLE_FILE to the root certificate instead',
        'OPENAI_VERIFY_SSL_CERTS: must be true where SLUICE_PROFILE is prod; set OPENAI_CA_BUNDLE_FILE to the root certificate instead',
      ],
    ],
  ])('finds what is wrong with %j', (env, problems) => {
    expect(problemsOf(env)).toEqual(problems)
  })

  it('accepts the production profile with verification on', () => {
    expect(problemsOf({ ...KEY, SLUICE_PROFILE: 'prod' })).toEqual([])
  })
})
