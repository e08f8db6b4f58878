import { describe, expect, it, onTestFinished } from 'vitest'
import { giveBackPort, takeFreePort } from './network/free-port.js'
import { checkReachable, readReplacements } from './replacements.js'
import { PART_NAMES } from './stack.settings.js'
import { occupyPort } from './testing/occupied.port.js'

const S3 = { S3_ENDPOINT: 'http://s3:9000', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 's' }
const GIGACHAT = { GIGACHAT_BASE_URL: 'https://g/api/v1', GIGACHAT_AUTH_URL: 'https://a/oauth', GIGACHAT_CREDENTIALS: 'Yjpj' }

describe(readReplacements.name, () => {
  it('replaces nothing in an empty environment, nor by empty variables', () => {
    expect(readReplacements({ DATABASE_URL: '', KAFKA_BROKERS: '' }, PART_NAMES)).toEqual({})
  })

  it('gives the address of each part that the environment names', () => {
    const env = { DATABASE_URL: 'postgresql://db/x', KAFKA_BROKERS: 'k1:9092, k2:9092', ...S3, ...GIGACHAT }
    expect(readReplacements(env, PART_NAMES)).toEqual({
      postgres: 'postgresql://db/x',
      kafka: ['k1:9092', 'k2:9092'],
      minio: { endpoint: 'http://s3:9000', accessKey: 'a', secretKey: 's' },
      simulator: { baseUrl: 'https://g/api/v1', authUrl: 'https://a/oauth', credentials: 'Yjpj' },
    })
  })

  it('leaves out the parts that nobody asked for', () => {
    expect(readReplacements({ DATABASE_URL: 'postgresql://db/x', ...S3 }, ['kafka', 'minio'])).toHaveProperty('minio')
    expect(readReplacements({ DATABASE_URL: 'postgresql://db/x' }, ['kafka'])).toEqual({})
  })

  it('tells everything that is incomplete at once', () => {
    const env = { S3_ENDPOINT: 'http://s3:9000', GIGACHAT_BASE_URL: 'https://g/api/v1', GIGACHAT_AUTH_URL: 'https://a/oauth' }
    expect(() => readReplacements(env, PART_NAMES)).toThrow(
      'S3_ENDPOINT without S3_ACCESS_KEY and S3_SECRET_KEY: set all of them, or none\n' +
        'GIGACHAT_BASE_URL and GIGACHAT_AUTH_URL without GIGACHAT_CREDENTIALS: set all of them, or none',
    )
  })
})

describe(checkReachable.name, () => {
  it('accepts servers that take a connection', async () => {
    const port = await occupyPort()
    const minio = { endpoint: `http://127.0.0.1:${port}`, accessKey: 'a', secretKey: 's' }
    await expect(checkReachable({ kafka: [`127.0.0.1:${port}`], minio })).resolves.toBeUndefined()
  })

  it('names every variable behind which nobody answers', async () => {
    const port = await takeFreePort()
    onTestFinished(() => giveBackPort(port))
    const address = `127.0.0.1:${port}`
    const check = checkReachable({ postgres: `postgresql://u:p@${address}/x`, kafka: [address] })
    await expect(check).rejects.toThrow(/^DATABASE_URL: .*ECONNREFUSED.*\nKAFKA_BROKERS: .*ECONNREFUSED/)
  })
})
