import type { SASLOptions } from '@platformatic/kafka'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeTestSettings } from '../../testing/make-test-settings.js'
import { makeClientOptions } from './client-options.js'

const SASL = { KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_SASL_USERNAME: 'sluice' }
const passwordOf = (options: { sasl?: SASLOptions }) => (options.sasl!.password as () => string)()

describe(makeClientOptions.name, () => {
  it('turns the retries of the library off and never makes topics by accident', () => {
    const options = makeClientOptions(makeTestSettings(), 'reader')
    expect(options).toMatchObject({ clientId: 'sluice-reader', retries: 0, autocreateTopics: false, requestTimeout: 10_000 })
    expect([options.sasl, options.tls]).toEqual([undefined, undefined])
  })

  it('reads the password from its file again for every connection', () => {
    const folder = mkdtempSync(join(tmpdir(), 'client-options-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'password')
    writeFileSync(file, 'old\n')
    const options = makeClientOptions(makeTestSettings({ ...SASL, KAFKA_SASL_PASSWORD_FILE: file }), 'reader')
    expect(passwordOf(options)).toBe('old')
    writeFileSync(file, 'new\n')
    expect(passwordOf(options)).toBe('new')
  })

  it('takes a password without a file as it is', () => {
    expect(passwordOf(makeClientOptions(makeTestSettings({ ...SASL, KAFKA_SASL_PASSWORD: 'secret' }), 'reader'))).toBe('secret')
  })

  it('checks the name of the broker and allows no TLS below 1.2', () => {
    const options = makeClientOptions(makeTestSettings({ KAFKA_TLS_ENABLED: 'true', KAFKA_TLS_CA: 'CA' }), 'reader')
    expect(options).toMatchObject({ tls: { ca: 'CA', minVersion: 'TLSv1.2' }, tlsServerName: true })
    expect(options.tls).not.toHaveProperty('rejectUnauthorized')
  })
})
