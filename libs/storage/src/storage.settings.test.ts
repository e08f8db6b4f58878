import { describe, expect, it } from 'vitest'
import { storageSettings } from '#libs/storage'

const needed = { S3_ENDPOINT: 'http://minio:9000', S3_ACCESS_KEY: 'access', S3_SECRET_KEY: 'secret' }

describe('storageSettings', () => {
  it('has a default for everything but the endpoint and the keys', () => {
    expect(storageSettings.parse(needed)).toMatchObject({
      endpoint: new URL('http://minio:9000'),
      region: 'us-east-1',
      bucket: 'sluice',
      inputBuckets: ['sluice'],
      answersPrefix: 'answers/',
      createBucket: true,
      idleTimeoutMs: 10_000,
      totalTimeoutMs: 60_000,
      callTimeoutMs: 120_000,
      retry: { attempts: 4, budgetMs: 15_000, initialDelayMs: 100, maxDelayMs: 2_000 },
      breaker: { failures: 5, openMs: 5_000 },
    })
    expect(() => storageSettings.parse({})).toThrow(/3 wrong or missing settings/)
  })

  it('counts the default bucket among those that tasks may name', () => {
    expect(storageSettings.parse({ ...needed, S3_BUCKET: 'a-bucket', S3_INPUT_BUCKETS: 'one-more, another' }).inputBuckets).toEqual([
      'a-bucket',
      'one-more',
      'another',
    ])
  })

  it.each([
    ['S3_ENDPOINT', 'ftp://minio', 'must be a URL that begins with'],
    ['S3_ENDPOINT', 'http://minio/path', 'must be only a scheme, a host and a port'],
    ['S3_ENDPOINT', 'http://user:password@minio', 'must be only a scheme, a host and a port'],
    ['S3_BUCKET', 'No', 'must be a bucket name'],
    ['S3_BUCKET', 'a..b', 'must be a bucket name'],
    ['S3_INPUT_BUCKETS', 'good-one,Bad', 'must be a bucket name'],
    ['S3_ANSWERS_PREFIX', 'answers', 'must be a prefix that ends with "/"'],
    ['S3_ANSWERS_PREFIX', '../answers/', 'must be a prefix that ends with "/"'],
    ['S3_ANSWERS_PREFIX', '/', 'must be a prefix that ends with "/"'],
    ['S3_CA_BUNDLE', 'not a certificate', 'must hold certificates in PEM'],
    ['S3_IDLE_TIMEOUT_MS', '1', 'must be a whole number from 100'],
    ['S3_RETRY_MAX_DELAY_MS', '50', 'must be at least S3_RETRY_INITIAL_DELAY_MS'],
    ['S3_BREAKER_FAILURES', '0', 'must be a whole number from 1'],
  ])('refuses %s=%s', (name, value, problem) => {
    expect(() => storageSettings.parse({ ...needed, [name]: value })).toThrow(new RegExp(`${name}.*: ${problem}`))
  })
})
