import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { register } from 'prom-client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FileStore, type FileRequest } from '#libs/kernel'
import { MinioFileStore, type StorageSettings } from '#libs/storage'
import { cut, FakeS3Server, hangUp, ok, s3Error, silence, stall } from '../test/fake-s3.server.js'
import { createStorage, makeSettings } from '../test/storage.testing-module.js'

const NEVER = new AbortController().signal
const FILE: FileRequest = { key: 'inputs/a.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 1_000 }
const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const put = (store: FileStore) => store.putAnswer('acme/t-1/1.txt', Buffer.from('answer'), NEVER)

async function createStore(overrides: Partial<StorageSettings> = {}): Promise<{ store: FileStore; s3: FakeS3Server }> {
  const s3 = await FakeS3Server.start()
  const module = await createStorage(makeSettings(s3.endpoint, overrides))
  const warn = vi.spyOn(console, 'warn')
  onTestFinished(async () => {
    await module.close()
    await s3.stop()
    expect(warn).not.toHaveBeenCalled()
    warn.mockRestore()
  })
  return { store: module.get(FileStore), s3 }
}

describe(MinioFileStore.name, () => {
  describe('statText', () => {
    it('gives the size without reading', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('привет'))
      await expect(store.statText(FILE, NEVER)).resolves.toBe(12)
      expect(s3.requests).toMatchObject([{ method: 'HEAD', path: '/sluice/inputs/a.txt' }])
    })

    it('refuses what may not be read, is no text or is too large', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('x'.repeat(1_001)))
      await expect(store.statText(FILE, NEVER)).rejects.toMatchObject({ code: 'file_too_large', retryable: false })
      await expect(store.statText({ ...FILE, key: 'inputs/scan.pdf' }, NEVER)).rejects.toMatchObject({ code: 'unsupported_media' })
      await expect(store.statText({ ...FILE, key: 'inputs/../x' }, NEVER)).rejects.toMatchObject({ code: 'file_forbidden' })
      expect(s3.requests).toHaveLength(1)
    })

    it('leaves it to the read why there is nothing: a 404 without a body may be about the bucket', async () => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(404, 'NoSuchBucket'))
      await expect(store.statText(FILE, NEVER)).resolves.toBe(0)
    })

    it('tries again when the server fails', async () => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(500, 'InternalError'), ok('hello'))
      await expect(store.statText(FILE, NEVER)).resolves.toBe(5)
    })
  })

  describe('readText', () => {
    it('gives the text, its size and hash', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('привет', { etag: `"${md5('привет')}"`, 'content-type': 'application/octet-stream' }))
      await expect(store.readText(FILE, NEVER)).resolves.toEqual({
        bucket: 'sluice',
        key: 'inputs/a.txt',
        text: 'привет',
        sizeBytes: 12,
        sha256: sha256('привет'),
        mediaType: 'text/plain',
      })
      expect(s3.requests).toMatchObject([{ method: 'GET', path: '/sluice/inputs/a.txt' }])
      expect(s3.requests[0]!.headers.authorization).toContain('Credential=access/')
    })

    it.each([
      ['the declared media type', { key: 'inputs/a', mediaType: 'text/plain; charset=windows-1251' }, 'text/html', 'text/plain', 'я'],
      ['the name', { key: 'inputs/a.csv' }, 'text/html', 'text/csv', '\ufffd'],
      ["the object's own media type", { key: 'inputs/a' }, 'text/html; charset=windows-1251', 'text/html', 'я'],
      ['plain text', { key: 'inputs/a' }, 'binary/octet-stream', 'text/plain', '\ufffd'],
    ])('takes the kind of a file from %s', async (_name, request, contentType, mediaType, text) => {
      const { store, s3 } = await createStore()
      s3.answer(ok(text === 'я' ? Buffer.from([0xff]) : text, { 'content-type': contentType }))
      await expect(store.readText({ ...FILE, ...request }, NEVER)).resolves.toMatchObject({ mediaType, text })
    })

    it('refuses by name or declared kind without a request', async () => {
      const { store, s3 } = await createStore()
      await expect(store.readText({ ...FILE, key: 'inputs/scan.pdf' }, NEVER)).rejects.toMatchObject({ code: 'unsupported_media' })
      await expect(store.readText({ ...FILE, mediaType: 'image/png' }, NEVER)).rejects.toThrow('an image (image/png)')
      await expect(store.readText({ ...FILE, key: 'inputs/../x' }, NEVER)).rejects.toMatchObject({ code: 'file_forbidden' })
      expect(s3.requests).toEqual([])
    })

    it('refuses by the kind that the object itself has', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('x', { 'content-type': 'audio/mpeg' }))
      await expect(store.readText({ ...FILE, key: 'inputs/a' }, NEVER)).rejects.toThrow('audio (audio/mpeg)')
    })

    it('ends at once for a file that does not exist', async () => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(404, 'NoSuchKey'))
      await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({ code: 'file_not_found', retryable: false })
      expect(s3.requests).toHaveLength(1)
    })

    it('reads nothing of a file that is announced as too large', async () => {
      const { store, s3 } = await createStore()
      s3.answer(stall('x', 1_001))
      await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({ code: 'file_too_large', retryable: false })
      await s3.whenAllClosed()
      expect(s3.requests).toHaveLength(1)
    })

    it.each([
      ['the body is cut off', cut('hel', 5)],
      ['the connection ends without an answer', hangUp],
      ['the server fails', s3Error(500, 'InternalError')],
      ['the bytes are not those of the entity tag', ok('hexlo', { etag: `"${md5('hello')}"` })],
      ['the server never answers', silence],
      ['the body stalls', stall('hel', 5)],
    ])('tries again when %s', async (_name, failure) => {
      const { store, s3 } = await createStore()
      s3.answer(failure, ok('hello', { etag: `"${md5('hello')}"` }))
      await expect(store.readText(FILE, NEVER)).resolves.toMatchObject({ text: 'hello' })
      expect(s3.requests).toHaveLength(2)
    })

    it('believes bytes that come twice the same against an entity tag that is no MD5', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('hello', { etag: `"${md5('another')}"` }))
      await expect(store.readText(FILE, NEVER)).resolves.toMatchObject({ text: 'hello' })
      expect(s3.requests).toHaveLength(2)
    })

    it('waits as long as a 503 asks for', async () => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(503, 'SlowDown', { 'retry-after': '1' }), ok('hello'))
      const startedMs = performance.now()
      await expect(store.readText(FILE, NEVER)).resolves.toMatchObject({ text: 'hello' })
      expect(performance.now() - startedMs).toBeGreaterThan(950)
    })

    it('gives up at once when a 503 asks for more than the budget', async () => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(503, 'SlowDown', { 'retry-after': '120' }))
      await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({
        code: 'storage_unavailable',
        retryable: true,
        retryAfterMs: 120_000,
      })
      expect(s3.requests).toHaveLength(1)
    })

    it('fails within its limits and destroys the sockets when the server accepts and never answers', async () => {
      const { store, s3 } = await createStore({ idleTimeoutMs: 100 })
      s3.answer(silence)
      const startedMs = performance.now()
      await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({
        code: 'storage_unavailable',
        retryable: true,
        message: expect.stringContaining('does not answer') as string,
      })
      expect(performance.now() - startedMs).toBeLessThan(1_500)
      expect(s3.requests).toHaveLength(3)
      await s3.whenAllClosed()
    })

    it('fails within its total limit when bytes only drip', async () => {
      const { store, s3 } = await createStore({
        totalTimeoutMs: 300,
        retry: { attempts: 1, budgetMs: 0, initialDelayMs: 0, maxDelayMs: 0 },
      })
      s3.answer((response) => {
        response.writeHead(200, { 'content-length': '1000' })
        const drip = setInterval(() => response.write('x'), 20)
        response.on('close', () => clearInterval(drip))
      })
      await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({ cause: { name: 'S3TimeoutError', kind: 'total', limitMs: 300 } })
      await s3.whenAllClosed()
    })

    it('destroys the socket when its signal aborts', async () => {
      const { store, s3 } = await createStore({ idleTimeoutMs: 5_000 })
      const controller = new AbortController()
      s3.answer((response, request) => {
        stall('hel', 5)(response, request)
        setImmediate(() => controller.abort(new Error('the lease was lost')))
      })
      await expect(store.readText(FILE, controller.signal)).rejects.toThrow('the lease was lost')
      await s3.whenAllClosed()
      expect(s3.requests).toHaveLength(1)
    })

    it('sends nothing when its signal has aborted before', async () => {
      const { store, s3 } = await createStore()
      await expect(store.readText(FILE, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
      expect(s3.requests).toEqual([])
    })

    it('keeps connections, and makes new ones after one has gone silent', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('a'))
      for (let count = 0; count < 3; count++) await store.readText(FILE, NEVER)
      expect(s3.sockets.size).toBe(1)
      const [kept] = s3.sockets
      s3.answer(silence, ok('b'))
      await store.readText(FILE, NEVER)
      await expect(store.readText(FILE, NEVER)).resolves.toMatchObject({ text: 'b' })
      expect(kept!.destroyed).toBe(true)
    })

    it('drops the other kept connections too when one goes silent', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('a'))
      await Promise.all([store.readText(FILE, NEVER), store.readText(FILE, NEVER)])
      const kept = [...s3.sockets]
      s3.answer(silence, ok('b'))
      await store.readText(FILE, NEVER)
      await store.readText(FILE, NEVER)
      expect(kept).toHaveLength(2)
      await expect.poll(() => kept.every((socket) => socket.destroyed)).toBe(true)
    })

    it('reads what an error says only up to a bound', async () => {
      const { store, s3 } = await createStore()
      s3.answer((response) => {
        response.writeHead(400)
        response.end('<Code>InvalidRequest</Code>'.padStart(100_000))
      })
      await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({ cause: { code: 'HTTP400', message: '400 HTTP400: Bad Request' } })
    })

    it('fails when nothing listens', async () => {
      const port = await takeClosedPort()
      const module = await createStorage(makeSettings(`http://127.0.0.1:${port}`))
      onTestFinished(() => module.close())
      await expect(module.get(FileStore).readText(FILE, NEVER)).rejects.toMatchObject({
        code: 'storage_unavailable',
        retryable: true,
        cause: { code: 'ECONNREFUSED' },
      })
    })

    it('fails on an answer that is not HTTP', async () => {
      const server = createServer((socket: Socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.9\r\n'))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => void server.close())
      const module = await createStorage(makeSettings(`http://127.0.0.1:${(server.address() as { port: number }).port}`))
      onTestFinished(() => module.close())
      await expect(module.get(FileStore).readText(FILE, NEVER)).rejects.toMatchObject({ code: 'storage_unavailable' })
    })

    it('counts calls, retries and the clock of the store', async () => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(500, 'InternalError'), ok('a', { date: new Date(Date.now() - 60_000).toUTCString() }))
      await store.readText(FILE, NEVER)
      await store.readText(FILE, AbortSignal.abort(new Error('stopped'))).catch(() => undefined)
      const metrics = await register.metrics()
      expect(metrics).toContain('sluice_storage_duration_seconds_count{operation="read",outcome="ok"} 1')
      expect(metrics).toContain('sluice_storage_duration_seconds_count{operation="read",outcome="aborted"} 1')
      expect(metrics).toContain('sluice_storage_retries_total{code="storage_unavailable"} 1')
      expect(metrics).toMatch(/^sluice_storage_clock_skew_seconds 6\d\./m)
    })
  })

  describe('putAnswer', () => {
    const reference = { bucket: 'sluice', key: 'answers/acme/t-1/1.txt', sha256: sha256('answer'), size: 6 }
    const stored = ok('', { 'content-length': '6', 'x-amz-meta-sha256': reference.sha256 })

    it('writes the answer under its name with its hash and media type', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('', { etag: `"${md5('answer')}"` }))
      await expect(put(store)).resolves.toEqual(reference)
      expect(s3.requests).toMatchObject([
        {
          method: 'PUT',
          path: '/sluice/answers/acme/t-1/1.txt',
          body: Buffer.from('answer'),
          headers: { 'content-type': 'text/plain; charset=utf-8', 'x-amz-meta-sha256': reference.sha256, 'content-length': '6' },
        },
      ])
    })

    it.each([
      ['run.json', 'application/json; charset=utf-8'],
      ['run', 'text/plain; charset=utf-8'],
      ['run.pdf', 'text/plain; charset=utf-8'],
    ])('writes %s as %s', async (name, mediaType) => {
      const { store, s3 } = await createStore()
      s3.answer(ok('', { etag: `"${md5('{}')}"` }))
      await store.putAnswer(name, Buffer.from('{}'), NEVER)
      expect(s3.requests[0]!.headers['content-type']).toBe(mediaType)
    })

    it('writes an empty answer', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('', { etag: `"${md5('')}"` }))
      await expect(store.putAnswer('empty', Buffer.alloc(0), NEVER)).resolves.toMatchObject({ size: 0 })
    })

    it('looks for the object before it writes again when the answer to a put was lost', async () => {
      const { store, s3 } = await createStore()
      s3.answer(hangUp, stored)
      await expect(put(store)).resolves.toEqual(reference)
      expect(s3.requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD'])
    })

    it('writes again when the object is not there, or not the same', async () => {
      const { store, s3 } = await createStore()
      s3.answer(hangUp, s3Error(404, 'NoSuchKey'), hangUp, ok('', { 'content-length': '5' }), ok('', { etag: `"${md5('answer')}"` }))
      await expect(put(store)).resolves.toEqual(reference)
      expect(s3.requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'PUT', 'HEAD', 'PUT'])
    })

    it('checks the object where the entity tag is not the MD5', async () => {
      const { store, s3 } = await createStore()
      s3.answer(ok('', { etag: '"encrypted"' }), stored)
      await expect(put(store)).resolves.toEqual(reference)
      expect(s3.requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD'])
    })

    it('fails when the store holds something else than what was written', async () => {
      const { store, s3 } = await createStore()
      s3.answer((response, request) =>
        (request.method === 'PUT' ? ok('', { etag: '"other"' }) : ok('', { 'content-length': '5' }))(response, request),
      )
      await expect(put(store)).rejects.toMatchObject({ code: 'storage_unavailable', retryable: true })
    })

    it.each([
      [507, 'XMinioStorageFull', 'storage_unavailable', 30_000],
      [403, 'AccessDenied', 'storage_forbidden', 60_000],
      [404, 'NoSuchBucket', 'storage_unavailable', 60_000],
    ])('leaves %i %s to a later attempt of the task', async (status, s3Code, code, retryAfterMs) => {
      const { store, s3 } = await createStore()
      s3.answer(s3Error(status, s3Code))
      await expect(put(store)).rejects.toMatchObject({ code, retryable: true, retryAfterMs })
      expect(s3.requests).toHaveLength(1)
    })

    it.each(['', '../inputs/a', 'a\nb'])('refuses the name %j', async (name) => {
      const { store, s3 } = await createStore()
      await expect(store.putAnswer(name, Buffer.from('x'), NEVER)).rejects.toMatchObject({ code: 'internal' })
      expect(s3.requests).toEqual([])
    })
  })
})

async function takeClosedPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
