import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { FileStore } from '#libs/kernel'
import { ResilienceEvents } from '#libs/resilience'
import { startStack, type Stack } from '#tools/stack'
import { waitUntil } from '#tools/rig'
import { recordEvents } from '../../../libs/resilience/src/testing/record-events.js'
import { createStorage } from '../../../libs/storage/test/storage.testing-module.js'
import { makeClient, makeStorageSettings } from './s3.js'

const NEVER = new AbortController().signal
const BUCKET = 'breaker'
const LIMITS = { S3_RETRY_ATTEMPTS: '2', S3_RETRY_MAX_DELAY_MS: '100', S3_BREAKER_FAILURES: '4', S3_BREAKER_OPEN_MS: '1000' }

describe('the breaker of object storage', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ name: 'storage-breaker', parts: ['minio'], env: { PATH: process.env.PATH, HOME: process.env.HOME } })
    const client = makeClient(stack.s3)
    await client.makeBucket(BUCKET)
    await client.putObject(BUCKET, 'inputs/a.txt', 'text')
  })
  afterAll(() => stack.stop())

  it('opens while MinIO is stopped, fails calls at once, probes once when it is back, and closes', async () => {
    const module = await createStorage(makeStorageSettings(stack.s3, BUCKET, LIMITS))
    onTestFinished(() => module.close())
    const recorded = recordEvents(module.get(ResilienceEvents))
    const store = module.get(FileStore)
    const read = () => store.readText({ key: 'inputs/a.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 100 }, NEVER)
    await read()

    await stack.server('minio').kill()
    await expect(read()).rejects.toMatchObject({ code: 'storage_unavailable' })
    await expect(read()).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(recorded.breakerOpened).toMatchObject([{ port: 's3', again: false }])

    const startedMs = performance.now()
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, read))
    expect(performance.now() - startedMs).toBeLessThan(500)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'storage_unavailable', retryable: true } })
      expect((outcome as PromiseRejectedResult).reason).toHaveProperty('retryAfterMs', expect.any(Number))
    }

    await stack.server('minio').restart()
    const probes = recorded.breakerHalfOpened.length
    const isThrough = () =>
      read().then(
        () => true,
        () => false,
      )
    await waitUntil(isThrough, { what: 'a call that goes through' })
    expect(recorded.breakerHalfOpened.length - probes).toBe(1)
    expect(recorded.breakerClosed).toMatchObject([{ port: 's3' }])
    await expect(Promise.all(Array.from({ length: 10 }, read))).resolves.toHaveLength(10)
  }, 60_000)

  it('stays closed however often objects are missing', async () => {
    const module = await createStorage(makeStorageSettings(stack.s3, BUCKET, LIMITS))
    onTestFinished(() => module.close())
    const recorded = recordEvents(module.get(ResilienceEvents))
    const store = module.get(FileStore)
    for (let call = 0; call < 10; call++) {
      const request = { key: 'inputs/missing.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 100 }
      await expect(store.readText(request, NEVER)).rejects.toMatchObject({ code: 'file_not_found' })
    }
    expect(recorded.breakerOpened).toEqual([])
  })
})
