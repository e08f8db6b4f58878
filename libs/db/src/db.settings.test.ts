import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { dbSettings } from './db.settings.js'

const parse = (env: Record<string, string>) => dbSettings.parse({ DATABASE_URL: 'postgresql://u:p@db/sluice', ...env })

describe('dbSettings', () => {
  it('keeps the spool in the folder for temporary files unless another is named, or none', () => {
    expect(parse({}).spool).toEqual({ parentFolder: tmpdir(), afterMs: 5_000, maxBytes: 1024 ** 3 })
    expect(parse({ ANSWER_SPOOL_DIR: '' }).spool.parentFolder).toBe(tmpdir())
    expect(parse({ ANSWER_SPOOL_DIR: '/var/spool' }).spool.parentFolder).toBe('/var/spool')
    expect(parse({ ANSWER_SPOOL_DIR: 'off' }).spool.parentFolder).toBeUndefined()
  })

  it.each(['relative', `/${'x'.repeat(60)}`])('refuses ANSWER_SPOOL_DIR=%s', (folder) => {
    expect(() => parse({ ANSWER_SPOOL_DIR: folder })).toThrow(`must be off or an absolute path of at most 60 bytes (got "${folder}")`)
  })

  it('lets the server give up before the client', () => {
    const limits = { DATABASE_STATEMENT_TIMEOUT_MS: '2000', DATABASE_QUERY_TIMEOUT_MS: '2000' }
    expect(() => parse(limits)).toThrow('must be less than DATABASE_QUERY_TIMEOUT_MS')
  })
})
