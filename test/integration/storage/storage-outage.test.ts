import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestingModule } from '@nestjs/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HealthRegistry } from '#libs/health'
import { FileStore } from '#libs/kernel'
import { startStack, type Stack } from '#tools/stack'
import { createStorage } from '../../../libs/storage/test/storage.testing-module.js'
import { makeClient, makeStorageSettings } from './s3.js'

const NEVER = new AbortController().signal
const BUCKET = 'outage'
const LIMITS = { S3_IDLE_TIMEOUT_MS: '500', S3_RETRY_ATTEMPTS: '3', S3_RETRY_BUDGET_MS: '3000', S3_BREAKER_OPEN_MS: '100' }

/** Stands between the store and MinIO and can lose what MinIO answers while it keeps the connections open. */
class HalfOpenProxy {
  private readonly sockets = new Set<Socket>()
  /** Connections whose answers are lost. */
  losing = false
  private readonly server: Server

  constructor(target: URL) {
    this.server = createServer((client) => {
      const server = connect(Number(target.port), target.hostname)
      for (const socket of [client, server]) {
        this.sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => this.sockets.delete(socket))
      }
      client.on('data', (bytes) => server.write(bytes))
      server.on('data', (bytes) => this.losing || client.write(bytes))
      client.on('close', () => server.destroy())
      server.on('close', () => this.losing || client.destroy())
    })
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  close(): void {
    this.server.close()
    this.sockets.forEach((socket) => socket.destroy())
  }
}

describe('the file store while MinIO is in trouble', () => {
  let stack: Stack
  let proxy: HalfOpenProxy
  let module: TestingModule
  let store: FileStore
  const put = (name: string) => store.putAnswer(name, Buffer.from(name), NEVER)
  const read = () => store.readText({ key: 'inputs/a.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 100 }, NEVER)

  beforeAll(async () => {
    stack = await startStack({ name: 'storage-outage', parts: ['minio'], env: { PATH: process.env.PATH, HOME: process.env.HOME } })
    const client = makeClient(stack.s3)
    await client.makeBucket(BUCKET)
    await client.putObject(BUCKET, 'inputs/a.txt', 'text')
  })
  afterAll(() => stack.stop())

  beforeEach(async () => {
    proxy = new HalfOpenProxy(new URL(stack.s3.endpoint))
    const endpoint = await proxy.listen()
    module = await createStorage(makeStorageSettings({ ...stack.s3, endpoint }, BUCKET, LIMITS))
    store = module.get(FileStore)
  })
  afterEach(async () => {
    await module.close()
    proxy.close()
  })

  it('notices a half-open connection within its limit, and recovers without one call lost', async () => {
    await read()
    proxy.losing = true
    const startedMs = performance.now()
    const reading = read()
    setTimeout(() => (proxy.losing = false), 700)
    await expect(reading).resolves.toMatchObject({ text: 'text' })
    expect(performance.now() - startedMs).toBeLessThan(2_500)
  })

  it('finds the object when only the answer to its put was lost', async () => {
    proxy.losing = true
    const putting = put('lost.txt')
    setTimeout(() => (proxy.losing = false), 300)
    await expect(putting).resolves.toMatchObject({ key: 'answers/lost.txt' })
    await expect(makeClient(stack.s3).statObject(BUCKET, 'answers/lost.txt')).resolves.toMatchObject({ size: 8 })
  })

  it('leaves tasks to a later attempt while MinIO is dead, says so, and works again when it is back', async () => {
    await read()
    await stack.server('minio').kill()
    await expect(read()).rejects.toMatchObject({ code: 'storage_unavailable', retryable: true })
    await expect(put('dead.txt')).rejects.toMatchObject({ code: 'storage_unavailable', retryable: true })
    await expect(module.get(HealthRegistry).reports()).resolves.toMatchObject([
      { name: 's3', status: 'down', details: { bucket: BUCKET, last_failure: { code: 'storage_unavailable' } } },
    ])
    await stack.server('minio').restart()
    await expect(read()).resolves.toMatchObject({ text: 'text' })
    await expect(put('back.txt')).resolves.toMatchObject({ key: 'answers/back.txt' })
  })

  it('answers health within a second while MinIO is frozen', async () => {
    await read()
    await stack.server('minio').kill('SIGSTOP')
    const startedMs = performance.now()
    const reports = await module.get(HealthRegistry).reports()
    await stack.server('minio').kill('SIGCONT')
    expect(performance.now() - startedMs).toBeLessThan(1_200)
    expect(reports).toMatchObject([{ name: 's3', status: 'down' }])
  })
})
