import { describe, expect, it } from 'vitest'
import { readReplacements } from './replacements.js'
import { makeEnvironment } from './stack.environment.js'
import { PART_NAMES } from './stack.settings.js'

const addresses = {
  postgres: 'postgresql://u:p@127.0.0.1:1/x',
  kafka: ['127.0.0.1:2'],
  minio: { endpoint: 'http://127.0.0.1:3', accessKey: 'a', secretKey: 's' },
  simulator: {
    baseUrl: 'http://127.0.0.1:4/api/v1',
    authUrl: 'http://127.0.0.1:4/o',
    credentials: 'Yjpj',
    controlUrl: 'http://127.0.0.1:4/c',
  },
}

describe(makeEnvironment.name, () => {
  it('makes another stack use this one', () => {
    expect(readReplacements(makeEnvironment({ addresses }), PART_NAMES)).toEqual(addresses)
  })

  it('leaves out the parts that a stack does not have', () => {
    expect(makeEnvironment({ addresses: { kafka: ['127.0.0.1:2', '127.0.0.1:3'] } })).toEqual({ KAFKA_BROKERS: '127.0.0.1:2,127.0.0.1:3' })
  })
})
