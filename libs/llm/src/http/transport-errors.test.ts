import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { transportError } from './transport-errors.js'

const ENDPOINT = { name: 'GigaChat', settingsPrefix: 'GIGACHAT' }

function failed(code: string): Error {
  return Object.assign(new Error('secret address 10.0.0.1'), { code })
}

describe(transportError.name, () => {
  it.each([
    ['ECONNREFUSED', 'llm_unreachable', 'GigaChat cannot be reached [ECONNREFUSED]'],
    ['ENOTFOUND', 'llm_unreachable', 'GigaChat cannot be reached [ENOTFOUND]'],
    ['CONNECT_TIMEOUT', 'llm_unreachable', 'GigaChat cannot be reached [CONNECT_TIMEOUT]'],
    ['ECONNRESET', 'llm_connection_lost', 'the connection to GigaChat was lost [ECONNRESET]'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'llm_tls', expect.stringContaining('set GIGACHAT_CA_BUNDLE_FILE')],
    ['CERT_HAS_EXPIRED', 'llm_tls', expect.stringContaining('is not valid; check GIGACHAT_BASE_URL and GIGACHAT_CA_BUNDLE_FILE')],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'llm_tls', expect.stringContaining('is not valid')],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'llm_tls', expect.stringContaining('check GIGACHAT_CERT_FILE and GIGACHAT_KEY_FILE')],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'llm_tls', expect.stringContaining('check that GIGACHAT_BASE_URL is right about https')],
    ['HTTP_SYNTAX', 'llm_connection_lost', 'the connection to GigaChat was lost [HTTP_SYNTAX]'],
  ])('maps %s to %s', (code, expected, message) => {
    expect(transportError(failed(code), ENDPOINT)).toMatchObject({ code: expected, message, retryable: true })
  })

  it('leaves an error of ours as it is', () => {
    const error = TaskError.invalid('internal', 'a header of a request cannot be sent')
    expect(transportError(error, ENDPOINT)).toBe(error)
  })

  it('looks for the code in the causes', () => {
    const error = new Error('outer', { cause: failed('ECONNREFUSED') })
    expect(transportError(error, ENDPOINT).code).toBe('llm_unreachable')
    expect(transportError(new TypeError('x'), ENDPOINT).message).toContain('[TypeError]')
  })
})
