import { Test } from '@nestjs/testing'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { checkSettings, ConfigModule, defineSettings, envBoolean, envInteger, envList, envUrl, SettingsError } from '#libs/config'

const section = defineSettings(
  z.object({
    POOL_SIZE: envInteger({ min: 1, max: 50 }).default(10),
    BROKERS: envList(),
    TLS: envBoolean().default(false),
    URL: envUrl('http:', 'https:'),
    PASSWORD: z.string(),
  }),
  {
    name: 'example',
    make: (env) => ({ poolSize: env.POOL_SIZE, brokers: env.BROKERS, tls: env.TLS, url: env.URL, password: env.PASSWORD }),
  },
)
const good = { BROKERS: 'a:1, b:2', URL: 'http://localhost', PASSWORD: 'secret' }

function problemsOf(env: Record<string, string>): string[] {
  try {
    section.parse(env)
    return []
  } catch (error) {
    return (error as SettingsError).problems.map(({ setting, problem }) => `${setting}: ${problem}`)
  }
}

describe(defineSettings.name, () => {
  it('gives typed settings with their defaults', () => {
    expect(section.parse(good)).toEqual({ poolSize: 10, brokers: ['a:1', 'b:2'], tls: false, url: 'http://localhost', password: 'secret' })
  })

  it('names every problem at once with what to write instead', () => {
    expect(problemsOf({ POOL_SIZE: '0', TLS: 'perhaps', URL: 'ftp://x', BROKERS: ' ,' })).toEqual([
      'POOL_SIZE: must be a whole number from 1 to 50 (got "0")',
      'BROKERS: must be a comma-separated list (got " ,")',
      'TLS: must be true or false (got "perhaps")',
      'URL: must be a URL that begins with http:// or https://',
      'PASSWORD: is missing: set it in the environment or name a file with the suffix _FILE',
    ])
  })

  it('takes an empty variable as not set', () => {
    expect(section.parse({ ...good, POOL_SIZE: '' }).poolSize).toBe(10)
  })

  it('reads a secret from its file, which wins over the variable', () => {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'password'), 'from the file\n')
    expect(section.parse({ ...good, PASSWORD_FILE: join(folder, 'password') }).password).toBe('from the file')
  })

  it('names a secret file that cannot be read', () => {
    expect(problemsOf({ ...good, PASSWORD_FILE: '/nowhere/password' })).toEqual([
      expect.stringMatching(/^PASSWORD_FILE: cannot read \/nowhere\/password: ENOENT/),
    ])
  })
})

describe(checkSettings.name, () => {
  it('collects the problems of all sections', () => {
    const other = defineSettings(z.object({ OTHER: z.string() }), { name: 'other', make: (env) => ({ other: env.OTHER }) })
    expect(() => checkSettings([section, other], { ...good, URL: 'x' })).toThrow(
      /2 wrong or missing settings:\n {2}URL: .*\n {2}OTHER: is missing/,
    )
  })
})

describe(ConfigModule.name, () => {
  it('makes a section injectable by its KEY', async () => {
    const fixed = defineSettings(z.object({ HOME: z.string() }), { name: 'fixed', make: (env) => ({ home: env.HOME }) })
    const module = await Test.createTestingModule({ imports: [ConfigModule.forRoot([fixed])] }).compile()
    expect(module.get(fixed.KEY)).toEqual({ home: process.env.HOME })
  })
})
