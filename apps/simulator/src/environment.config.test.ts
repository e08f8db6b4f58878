import { describe, expect, it } from 'vitest'
import { readOptions } from './environment.config.js'

describe(readOptions.name, () => {
  it('has a default for everything', () => {
    expect(readOptions({})).toEqual({ host: '127.0.0.1', port: 0 })
  })

  it('reads host, port and settings', () => {
    expect(readOptions({ SIMULATOR_HOST: '::1', SIMULATOR_PORT: '8080', SIMULATOR_SETTINGS: '{"seed":3}' })).toEqual({
      host: '::1',
      port: 8080,
      settings: { seed: 3 },
    })
  })

  it.each([
    [{ SIMULATOR_PORT: 'x' }, 'SIMULATOR_PORT must be 0-65535 (got x)'],
    [{ SIMULATOR_TLS_CERT_FILE: 'x' }, 'SIMULATOR_TLS_CERT_FILE and SIMULATOR_TLS_KEY_FILE must be set together'],
    [{ SIMULATOR_SETTINGS: '{' }, 'SIMULATOR_SETTINGS must be a JSON object'],
  ])('names the variable that is wrong in %o', (env, message) => {
    expect(() => readOptions(env)).toThrow(message)
  })
})
