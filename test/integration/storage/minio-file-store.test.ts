import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import type { TestingModule } from '@nestjs/testing'
import { register } from 'prom-client'
import { HealthRegistry } from '#libs/health'
import { FileStore, type FileRequest } from '#libs/kernel'
import { createStorage } from '../../../libs/storage/test/storage.testing-module.js'
import { makeClient, makeStorageSettings, removeBucket } from './s3.js'

const NEVER = new AbortController().signal
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

const readAny = (module: TestingModule) =>
  module.get(FileStore).readText({ key: 'inputs/a.txt', allowedPrefixes: [''], maxSizeBytes: 10 }, NEVER)

describe('the file store on MinIO', () => {
  const { s3 } = inject('stack')
  const client = makeClient(s3)
  const bucket = `files-${randomUUID()}`
  let module: TestingModule
  let store: FileStore

  beforeAll(async () => {
    module = await createStorage(makeStorageSettings(s3, bucket))
    await module.init()
    store = module.get(FileStore)
    await vi.waitUntil(() => client.bucketExists(bucket))
  })
  afterAll(async () => {
    await module.close()
    await removeBucket(client, bucket)
  })

  async function upload(key: string, content: string | Buffer, mediaType = 'binary/octet-stream'): Promise<FileRequest> {
    await client.putObject(bucket, key, Buffer.from(content), undefined, { 'Content-Type': mediaType })
    return { key, allowedPrefixes: ['inputs/'], maxSizeBytes: 1_000_000 }
  }

  it('has made its bucket and is healthy', async () => {
    const reports = await module.get(HealthRegistry).reports()
    expect(reports).toMatchObject([{ name: 's3', status: 'up', details: { bucket, endpoint: s3.endpoint } }])
  })

  it.each(['inputs/plain.txt', 'inputs/отчёт №7 (копия).md', "inputs/a!b*c'd(e)f+g h&i=j@k:l,m$n#o?p%q~r.txt"])('reads %s', async (key) => {
    const request = await upload(key, 'Привет, мир')
    await expect(store.readText(request, NEVER)).resolves.toMatchObject({ bucket, key, text: 'Привет, мир', sizeBytes: 20 })
  })

  it('reads nothing, and a megabyte', async () => {
    await expect(store.readText(await upload('inputs/empty.txt', ''), NEVER)).resolves.toMatchObject({ text: '', sizeBytes: 0 })
    const large = Buffer.alloc(1_000_000, 'я')
    await expect(store.readText(await upload('inputs/large.txt', large), NEVER)).resolves.toMatchObject({ sha256: sha256(large) })
  })

  it('tells the size of a file before it is read, and nothing of one that does not exist', async () => {
    const request = await upload('inputs/sized.txt', 'Привет, мир')
    await expect(store.statText(request, NEVER)).resolves.toBe(20)
    await expect(store.statText({ ...request, maxSizeBytes: 19 }, NEVER)).rejects.toMatchObject({ code: 'file_too_large' })
    await expect(store.statText({ ...request, key: 'inputs/none.txt' }, NEVER)).resolves.toBe(0)
  })

  it('reads an object that was uploaded in parts', async () => {
    const parts = makeClient(s3)
    parts.partSize = 5 * 1024 * 1024
    const content = Buffer.alloc(6 * 1024 * 1024, 'x')
    await parts.putObject(bucket, 'inputs/parts.txt', content)
    const text = await store.readText({ key: 'inputs/parts.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 7 * 1024 * 1024 }, NEVER)
    expect(text.sha256).toBe(sha256(content))
  })

  it("takes the object's own media type and charset", async () => {
    const request = await upload('inputs/letter', Buffer.from([0xcf, 0xf0, 0xe8]), 'text/plain; charset=windows-1251')
    await expect(store.readText(request, NEVER)).resolves.toMatchObject({ text: 'При', mediaType: 'text/plain' })
  })

  it('takes a key that MinIO does not accept as a file that is not there', async () => {
    const request = { key: 'inputs//double.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 10 }
    await expect(store.readText(request, NEVER)).rejects.toMatchObject({ code: 'file_not_found', retryable: false })
  })

  it('refuses what is too large, not there, not text, or not for tasks', async () => {
    const request = await upload('inputs/large.txt', 'x'.repeat(100))
    const { key } = await store.putAnswer('acme/secret.txt', Buffer.from('secret'), NEVER)
    await expect(store.readText({ ...request, maxSizeBytes: 99 }, NEVER)).rejects.toMatchObject({ code: 'file_too_large' })
    await expect(store.readText({ ...request, key: 'inputs/none.txt' }, NEVER)).rejects.toMatchObject({ code: 'file_not_found' })
    await expect(store.readText(await upload('inputs/image', Buffer.from('89504e47', 'hex')), NEVER)).rejects.toMatchObject({
      code: 'unsupported_media',
    })
    await expect(store.readText({ ...request, key, allowedPrefixes: [''] }, NEVER)).rejects.toMatchObject({ code: 'file_forbidden' })
    await expect(store.readText({ ...request, bucket: 'other-bucket' }, NEVER)).rejects.toMatchObject({ code: 'file_forbidden' })
  })

  it('writes an answer with its hash, once and again', async () => {
    const body = Buffer.from('{"ok":true}')
    const reference = await store.putAnswer('acme/t-1/1.json', body, NEVER)
    await expect(store.putAnswer('acme/t-1/1.json', body, NEVER)).resolves.toEqual(reference)
    expect(reference).toEqual({ bucket, key: 'answers/acme/t-1/1.json', sha256: sha256(body), size: body.length })
    const stat = await client.statObject(bucket, reference.key)
    expect(stat).toMatchObject({
      size: body.length,
      metaData: { 'content-type': 'application/json; charset=utf-8', sha256: reference.sha256 },
    })
  })

  it('removes an answer, and says whether there was one', async () => {
    const { key } = await store.putAnswer('acme/orphan/1.txt', Buffer.from('nobody names me'), NEVER)
    await expect(store.removeAnswer('acme/orphan/1.txt', NEVER)).resolves.toBe(true)
    await expect(client.statObject(bucket, key)).rejects.toMatchObject({ code: 'NotFound' })
    await expect(store.removeAnswer('acme/orphan/1.txt', NEVER)).resolves.toBe(false)
    await expect(store.removeAnswer('acme/never/1.txt', NEVER)).resolves.toBe(false)
    const [orphans] = (await register.getSingleMetric('sluice_storage_orphans_removed_total')!.get()).values
    expect(orphans!.value).toBe(1)
  })

  it.each([
    ['versioned', (name: string) => client.makeBucket(name).then(() => client.setBucketVersioning(name, { Status: 'Enabled' }))],
    ['locked', (name: string) => client.makeBucket(name, '', { ObjectLocking: true })],
  ])('works on buckets of other kinds: %s', async (_, make) => {
    const name = `other-${randomUUID()}`
    await make(name)
    onTestFinished(() => removeBucket(client, name))
    const other = await createOther({}, name)
    await other.init()
    const files = other.get(FileStore)
    const reference = await files.putAnswer('a/1.txt', Buffer.from('an answer'), NEVER)
    await expect(files.putAnswer('a/1.txt', Buffer.from('an answer'), NEVER)).resolves.toEqual(reference)
    await client.putObject(name, 'inputs/a.txt', Buffer.from('old'))
    await client.putObject(name, 'inputs/a.txt', Buffer.from('new'))
    const request = { key: 'inputs/a.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 10 }
    await expect(files.readText(request, NEVER)).resolves.toMatchObject({ text: 'new' })
    await expect(files.removeAnswer('a/1.txt', NEVER)).resolves.toBe(true)
    await expect(files.removeAnswer('a/1.txt', NEVER)).resolves.toBe(false)
  })

  it('writes and reads many at the same time', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `many/${index}.txt`)
    const references = await Promise.all(names.map((name) => store.putAnswer(name, Buffer.from(name), NEVER)))
    expect(new Set(references.map(({ key }) => key)).size).toBe(100)
    const request = await upload('inputs/many.txt', 'many')
    const texts = await Promise.all(names.map(() => store.readText(request, NEVER)))
    expect(texts.every(({ text }) => text === 'many')).toBe(true)
  })

  async function createOther(env: Record<string, string>, otherBucket = bucket): Promise<TestingModule> {
    const other = await createStorage(makeStorageSettings(s3, otherBucket, env))
    onTestFinished(() => other.close())
    return other
  }

  it.each([
    ['an unknown key', { S3_ACCESS_KEY: 'nobody' }],
    ['a wrong secret', { S3_SECRET_KEY: 'wrong-secret' }],
  ])('names the settings to check for %s', async (_name, env) => {
    const other = await createOther(env)
    await expect(readAny(other)).rejects.toMatchObject({
      code: 'storage_forbidden',
      retryable: true,
      message: expect.stringContaining('check S3_ACCESS_KEY and S3_SECRET_KEY') as string,
    })
    const reports = await other.get(HealthRegistry).reports()
    expect(reports).toMatchObject([{ status: 'down', details: { bucket } }])
  })

  it('names a bucket that is missing and may not be made', async () => {
    const missing = `missing-${randomUUID()}`
    const other = await createOther({ S3_CREATE_BUCKET: 'false' }, missing)
    await expect(readAny(other)).rejects.toMatchObject({ code: 'storage_unavailable', retryAfterMs: 60_000 })
    const reports = await other.get(HealthRegistry).reports()
    expect(reports).toMatchObject([
      { status: 'down', details: { error: `bucket ${missing} does not exist: create it, or allow Sluice to by S3_CREATE_BUCKET=true` } },
    ])
  })

  it('says "clock" when the clocks differ too much', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    onTestFinished(() => void vi.useRealTimers())
    await expect(readAny(await createOther({}))).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('set the clock') as string,
      details: { s3_code: 'RequestTimeTooSkewed' },
    })
  })
})
