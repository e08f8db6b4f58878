import type { Agent as HttpsAgent } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { TestingModule } from '@nestjs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { HealthRegistry } from '#libs/health'
import { FileStore } from '#libs/kernel'
import { StorageModule, type StorageSettings } from '#libs/storage'
import { FakeS3Server, hangUp, ok, s3Error, silence } from '../test/fake-s3.server.js'
import { createStorage, makeSettings } from '../test/storage.testing-module.js'
import { BucketKeeper } from './bucket.keeper.js'
import { createS3Agent } from './s3/s3-agent.js'
import { S3Credentials } from './s3/s3-credentials.js'

const NEVER = new AbortController().signal

async function createModule(overrides: Partial<StorageSettings> = {}): Promise<{ module: TestingModule; s3: FakeS3Server }> {
  const s3 = await FakeS3Server.start()
  const module = await createStorage(makeSettings(s3.endpoint, overrides))
  onTestFinished(async () => {
    await module.close()
    await s3.stop()
  })
  return { module, s3 }
}

const methodsOf = (s3: FakeS3Server) => s3.requests.map(({ method, path }) => `${method} ${path}`)

describe(StorageModule.name, () => {
  it('makes a missing bucket at start', async () => {
    const { module, s3 } = await createModule()
    s3.answer(s3Error(404, 'NoSuchBucket'), ok())
    await module.init()
    await expect.poll(() => methodsOf(s3)).toEqual(['HEAD /sluice', 'PUT /sluice'])
  })

  it('starts while the store is away', async () => {
    const { module, s3 } = await createModule({ retry: { attempts: 1, budgetMs: 0, initialDelayMs: 0, maxDelayMs: 0 } })
    s3.answer(hangUp)
    await module.init()
    await expect.poll(() => s3.requests.length).toBe(1)
  })

  it('stops at once while it waits for the store', async () => {
    const { module, s3 } = await createModule({ idleTimeoutMs: 60_000 })
    s3.answer(silence)
    await module.init()
    await expect.poll(() => s3.requests.length).toBe(1)
    await module.close()
    await s3.whenAllClosed()
  })

  it('closes its connections', async () => {
    const { module, s3 } = await createModule()
    s3.answer(ok('text'))
    await module.init()
    await module.get(FileStore).readText({ key: 'a.txt', allowedPrefixes: [''], maxSizeBytes: 10 }, NEVER)
    await module.close()
    await s3.whenAllClosed()
    expect(s3.requests.length).toBeGreaterThan(0)
  })
})

describe(BucketKeeper.name, () => {
  it('leaves a bucket that is there alone', async () => {
    const { module, s3 } = await createModule()
    s3.answer(ok())
    await module.get(BucketKeeper).ensure(NEVER)
    expect(methodsOf(s3)).toEqual(['HEAD /sluice'])
  })

  it('does not mind another replica that was faster', async () => {
    const { module, s3 } = await createModule()
    s3.answer(s3Error(404, 'NoSuchBucket'), s3Error(409, 'BucketAlreadyOwnedByYou'))
    await expect(module.get(BucketKeeper).ensure(NEVER)).resolves.toBeUndefined()
  })

  it('asks for a bucket that it may not make', async () => {
    const { module, s3 } = await createModule({ createBucket: false })
    s3.answer(s3Error(404, 'NoSuchBucket'))
    await expect(module.get(BucketKeeper).ensure(NEVER)).rejects.toThrow(
      'bucket sluice does not exist: create it, or allow Sluice to by S3_CREATE_BUCKET=true',
    )
    expect(methodsOf(s3)).toEqual(['HEAD /sluice'])
  })

  it('names the right that is missing', async () => {
    const { module, s3 } = await createModule()
    s3.answer(s3Error(404, 'NoSuchBucket'), s3Error(403, 'AccessDenied'))
    await expect(module.get(BucketKeeper).ensure(NEVER)).rejects.toThrow('denies access: allow s3:CreateBucket (make_bucket)')
  })
})

describe('StorageHealth', () => {
  it('is up with the address and the bucket', async () => {
    const { module, s3 } = await createModule()
    s3.answer(ok())
    await expect(module.get(HealthRegistry).reports()).resolves.toMatchObject([
      { name: 's3', critical: false, status: 'up', details: { endpoint: s3.endpoint, bucket: 'sluice' } },
    ])
  })

  it('is down with the bucket and what to do', async () => {
    const { module, s3 } = await createModule()
    s3.answer(s3Error(403, 'HTTP403'))
    const [report] = await module.get(HealthRegistry).reports()
    expect(report).toMatchObject({
      status: 'down',
      details: {
        bucket: 'sluice',
        error: 'bucket sluice: object storage denies access: allow s3:ListBucket (check_bucket)',
        causes: ['S3ResponseError [HTTP403]: 403 HTTP403: Forbidden'],
        last_failure: { code: 'storage_forbidden' },
      },
    })
  })

  it('is down while the store does not answer, with the last failure', async () => {
    const { module, s3 } = await createModule({ idleTimeoutMs: 60_000 })
    s3.answer(s3Error(507, 'XMinioStorageFull'), silence)
    const write = module.get(FileStore).putAnswer('a', Buffer.from('x'), NEVER)
    await expect(write).rejects.toThrow('is full')
    const [report] = await module.get(HealthRegistry).reports()
    expect(report).toMatchObject({
      status: 'down',
      details: { error: 'object storage does not answer', last_failure: { message: /is full/ } },
    })
  })

  it('forgets a failure with the next success, and takes a missing file as none', async () => {
    const { module, s3 } = await createModule()
    s3.answer(s3Error(404, 'NoSuchKey'), ok())
    await module
      .get(FileStore)
      .readText({ key: 'a.txt', allowedPrefixes: [''], maxSizeBytes: 10 }, NEVER)
      .catch(() => undefined)
    const [report] = await module.get(HealthRegistry).reports()
    expect(report!.status).toBe('up')
  })
})

describe(S3Credentials.name, () => {
  const refused = s3Error(403, 'InvalidAccessKeyId')

  it('is read again when the server refuses the keys, and the call is repeated with the new ones', async () => {
    vi.stubEnv('S3_ENDPOINT', 'http://ignored')
    vi.stubEnv('S3_ACCESS_KEY', 'rotated')
    vi.stubEnv('S3_SECRET_KEY', 'new secret')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { module, s3 } = await createModule()
    s3.answer(refused, ok())
    await module.get(BucketKeeper).ensure(NEVER)
    expect(s3.requests.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization!)?.[1])).toEqual(['access', 'rotated'])
  })

  it('does not repeat a call with the same keys', async () => {
    const { module, s3 } = await createModule()
    s3.answer(refused)
    await expect(module.get(BucketKeeper).ensure(NEVER)).rejects.toMatchObject({ code: 'storage_forbidden', retryAfterMs: 60_000 })
    expect(s3.requests).toHaveLength(1)
  })

  it.each([
    ['other keys', () => ({ accessKey: 'a', secretKey: 'other' }), true],
    ['the same keys', () => ({ accessKey: 'access', secretKey: 'secret' }), false],
  ])('knows %s from the refused ones', (_name, read, changed) => {
    const settings = makeSettings('http://minio')
    expect(new S3Credentials(settings, read).reload(settings)).toBe(changed)
  })
})

describe(createS3Agent.name, () => {
  it('trusts its own certificates besides the well-known ones, and no TLS before 1.2', () => {
    const plain = createS3Agent(makeSettings('http://minio'))
    const own = createS3Agent(makeSettings('https://minio', { caBundle: 'OWN', maxSockets: 4 })) as HttpsAgent
    const usual = createS3Agent(makeSettings('https://minio')) as HttpsAgent
    expect(plain).not.toHaveProperty('options.minVersion')
    expect(own.options).toMatchObject({ ca: [...rootCertificates, 'OWN'], minVersion: 'TLSv1.2', maxSockets: 4, maxFreeSockets: 4 })
    expect(usual.options.ca).toBeUndefined()
  })
})
