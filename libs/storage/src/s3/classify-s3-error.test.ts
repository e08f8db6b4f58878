import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { classifyS3Error, isCredentialsError, isStoreAway, type S3Target } from './classify-s3-error.js'
import { S3ResponseError } from './s3-response.error.js'
import { S3TimeoutError } from './s3-timeout.error.js'

const TARGET: S3Target = { operation: 'read', bucket: 'sluice', key: 'inputs/a.txt' }
const responseError = (status: number, code: string, retryAfterMs?: number) =>
  new S3ResponseError('as scripted', { status, code, retryAfterMs })

describe(classifyS3Error.name, () => {
  it.each([
    [404, 'NoSuchKey', { code: 'file_not_found', retryable: false }, 'inputs/a.txt: does not exist'],
    [404, 'NotFound', { code: 'file_not_found', retryable: false }, 'does not exist'],
    [404, 'HTTP404', { code: 'storage_unavailable', retryAfterMs: 60_000 }, 'something before object storage answers 404'],
    [400, 'XMinioInvalidObjectName', { code: 'file_not_found', retryable: false }, 'does not accept this key'],
    [404, 'NoSuchBucket', { code: 'storage_unavailable', retryAfterMs: 60_000 }, 'the bucket does not exist'],
    [403, 'AccessDenied', { code: 'storage_forbidden', retryAfterMs: 60_000 }, 'denies access: allow s3:GetObject (read)'],
    [403, 'HTTP403', { code: 'storage_forbidden', retryAfterMs: 60_000 }, 'denies access'],
    [403, 'InvalidAccessKeyId', { code: 'storage_forbidden', retryAfterMs: 60_000 }, 'S3_ACCESS_KEY and S3_SECRET_KEY'],
    [403, 'SignatureDoesNotMatch', { code: 'storage_forbidden', retryAfterMs: 60_000 }, 'does not accept the credentials'],
    [403, 'RequestTimeTooSkewed', { code: 'storage_unavailable', retryAfterMs: 60_000 }, 'set the clock'],
    [507, 'XMinioStorageFull', { code: 'storage_unavailable', retryAfterMs: 30_000 }, 'is full'],
    [507, 'HTTP507', { code: 'storage_unavailable', retryAfterMs: 30_000 }, 'is full'],
    [503, 'SlowDown', { code: 'storage_unavailable', retryAfterMs: undefined }, 'asks for fewer requests'],
    [500, 'InternalError', { code: 'storage_unavailable', retryAfterMs: undefined }, 'object storage failed'],
    [400, 'InvalidRange', { code: 'storage_unavailable', retryAfterMs: 60_000 }, 'refused the request'],
  ])('takes %i %s', (status, s3Code, expected, says) => {
    const error = classifyS3Error(responseError(status, s3Code), TARGET)
    expect(error).toMatchObject({ retryable: true, ...expected, details: { bucket: 'sluice', operation: 'read', s3_code: s3Code, status } })
    expect(error.message).toContain(says)
  })

  it.each([
    [404, 'NoSuchKey'],
    [400, 'XMinioInvalidObjectName'],
  ])('never gives up a write, at %i %s either: what is written was paid for', (status, s3Code) => {
    expect(classifyS3Error(responseError(status, s3Code), { ...TARGET, operation: 'write' })).toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      retryAfterMs: 60_000,
    })
  })

  it('honours Retry-After', () => {
    expect(classifyS3Error(responseError(429, 'HTTP429', 7_000), TARGET)).toMatchObject({
      code: 'storage_unavailable',
      retryAfterMs: 7_000,
    })
  })

  it('takes silence and broken connections as the store being away', () => {
    expect(classifyS3Error(new S3TimeoutError('idle', 200), TARGET).message).toContain('does not answer')
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    expect(classifyS3Error(reset, { operation: 'check_bucket', bucket: 'sluice' })).toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      cause: reset,
      message: 'bucket sluice: object storage cannot be reached (check_bucket)',
    })
  })

  it('passes what is already classified', () => {
    const error = TaskError.invalid('file_too_large', 'too large')
    expect(classifyS3Error(error, TARGET)).toBe(error)
  })
})

describe(isStoreAway.name, () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

  it.each([
    ['a broken connection', reset],
    ['silence', new S3TimeoutError('idle', 200)],
    ['a gateway without a server', responseError(502, 'HTTP502')],
    ['a server that is not ready', responseError(503, 'HTTP503')],
    ['a gateway that waits in vain', responseError(504, 'HTTP504')],
  ])('is true at %s', (_, thrown) => {
    expect(isStoreAway(classifyS3Error(thrown, TARGET))).toBe(true)
  })

  it.each([
    ['a missing object', responseError(404, 'NoSuchKey')],
    ['a missing bucket', responseError(404, 'NoSuchBucket')],
    ['wrong keys', responseError(403, 'InvalidAccessKeyId')],
    ['a server that asks for fewer requests', responseError(503, 'SlowDown')],
    ['too many requests', responseError(429, 'HTTP429')],
    ['a full disk', responseError(507, 'HTTP507')],
    ['one failed request', responseError(500, 'InternalError')],
    ['a long request', new S3TimeoutError('total', 2_000)],
    ['a body that is shorter than announced', TaskError.unavailable('storage_unavailable', 'incomplete')],
    ['a file that is too large', TaskError.invalid('file_too_large', 'too large')],
  ])('is false at %s', (_, thrown) => {
    expect(isStoreAway(classifyS3Error(thrown, TARGET))).toBe(false)
  })

  it('is false at what nobody has classified', () => {
    expect(isStoreAway(reset)).toBe(false)
  })
})

describe(isCredentialsError.name, () => {
  it('is true only where other keys may help', () => {
    expect(isCredentialsError(responseError(403, 'InvalidAccessKeyId'))).toBe(true)
    expect(isCredentialsError(responseError(403, 'HTTP403'))).toBe(true)
    expect(isCredentialsError(responseError(403, 'AccessDenied'))).toBe(false)
    expect(isCredentialsError(new Error('reset'))).toBe(false)
  })
})
