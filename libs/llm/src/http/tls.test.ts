import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SystemClock } from '#libs/kernel'
import { makeIdentity } from '../testing/certificates.js'
import { httpResponse } from '../testing/scripted.server.js'
import { checkTlsFiles } from './check-tls-files.js'
import { DeadlineWatch } from './deadline.watch.js'
import type { ExchangeOutcome } from './exchange.js'
import { HttpEndpoint } from './http-endpoint.js'
import { secureContextOf, type TlsFiles } from './tls.js'

const root = makeIdentity('Test Root', { authority: true })
const server = makeIdentity('localhost', { issuer: root })
const client = makeIdentity('client', { issuer: root })
const LIMITS = { firstByteTimeoutMs: 2_000, idleTimeoutMs: 2_000, callTimeoutMs: 4_000, maxAnswerBytes: 1_000 }

/** Counts the requests whose bytes got through TLS. */
async function startServer(options: TlsOptions = {}) {
  const seen = { requests: 0, port: 0 }
  const tlsServer = createServer({ cert: server.certPem, key: server.keyPem, ...options }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      seen.requests++
      socket.end(httpResponse(200, '{}', { connection: 'close' }))
    })
  })
  tlsServer.on('tlsClientError', () => undefined)
  tlsServer.listen(0, '127.0.0.1')
  await once(tlsServer, 'listening')
  onTestFinished(() => void tlsServer.close())
  const address = tlsServer.address()
  seen.port = typeof address === 'object' && address ? address.port : 0
  return seen
}

async function request(port: number, tls: TlsFiles, scheme = 'https'): Promise<ExchangeOutcome> {
  const endpoint = new HttpEndpoint(
    {
      origin: `${scheme}://127.0.0.1:${port}`,
      endpoint: { name: 'GigaChat', settingsPrefix: 'GIGACHAT' },
      maxConnections: 1,
      connectTimeoutMs: 2_000,
      limits: LIMITS,
      tls,
    },
    new DeadlineWatch(new SystemClock()),
  )
  onTestFinished(() => endpoint.close())
  return endpoint.exchange({ method: 'GET', path: '/', headers: [] })
}

function tlsError(advice: string) {
  return { kind: 'not_written', error: { code: 'llm_tls', retryable: true, message: expect.stringContaining(advice) } }
}

describe(secureContextOf.name, () => {
  it('trusts a server whose root is in the bundle', async () => {
    const { port } = await startServer()
    expect(await request(port, { verify: true, caBundle: root.certPem })).toMatchObject({ kind: 'complete' })
  })

  it('keeps the default roots beside the bundle', async () => {
    const { port } = await startServer()
    expect(await request(port, { verify: true, caBundle: makeIdentity('Other', { authority: true }).certPem })).toMatchObject(
      tlsError('set GIGACHAT_CA_BUNDLE_FILE to a PEM file'),
    )
  })

  it('sends nothing to a server whose root is unknown, and says what to set', async () => {
    const seen = await startServer()
    expect(await request(seen.port, { verify: true })).toMatchObject(tlsError('set GIGACHAT_CA_BUNDLE_FILE to a PEM file'))
    expect(seen.requests).toBe(0)
  })

  it('talks to any server when verification is off', async () => {
    const { port } = await startServer()
    expect(await request(port, { verify: false })).toMatchObject({ kind: 'complete' })
  })

  it('sends nothing to a server whose certificate has expired', async () => {
    const expired = makeIdentity('localhost', { issuer: root, notAfter: new Date(Date.now() - 86_400_000) })
    const { port } = await startServer({ cert: expired.certPem, key: expired.keyPem })
    expect(await request(port, { verify: true, caBundle: root.certPem })).toMatchObject(tlsError('[CERT_HAS_EXPIRED]'))
  })

  it('shows the client certificate', async () => {
    const { port } = await startServer({ requestCert: true, rejectUnauthorized: true, ca: root.certPem })
    const outcome = await request(port, { verify: true, caBundle: root.certPem, cert: client.certPem, key: client.keyPem })
    expect(outcome).toMatchObject({ kind: 'complete' })
  })

  it('says that the scheme may be wrong when the server does not speak TLS', async () => {
    const plain = createPlainServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 X\r\n\r\n')).listen(0, '127.0.0.1')
    await once(plain, 'listening')
    onTestFinished(() => void plain.close())
    const address = plain.address()
    const port = typeof address === 'object' && address ? address.port : 0
    expect(await request(port, { verify: true })).toMatchObject(tlsError('is right about https'))
  })
})

describe(checkTlsFiles.name, () => {
  const encrypted = client.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' }).toString()

  it('finds nothing wrong with good files', () => {
    expect(checkTlsFiles({ verify: true }, 'GIGACHAT')).toEqual([])
    const files = { verify: true, caBundle: root.certPem, cert: client.certPem, key: encrypted, keyPassword: 'right' }
    expect(checkTlsFiles(files, 'GIGACHAT')).toEqual([])
  })

  it.each([
    ['GIGACHAT_CA_BUNDLE_FILE', { caBundle: 'no PEM' }],
    ['GIGACHAT_KEY_FILE', { cert: client.certPem }],
    ['GIGACHAT_CERT_FILE', { key: client.keyPem }],
    ['GIGACHAT_CERT_FILE', { cert: 'no PEM', key: client.keyPem }],
    ['GIGACHAT_KEY_FILE', { cert: client.certPem, key: server.keyPem }],
    ['GIGACHAT_KEY_FILE', { cert: client.certPem, key: encrypted, keyPassword: 'wrong' }],
  ])('names %s when it is the problem', (setting, files) => {
    expect(checkTlsFiles({ verify: true, ...files }, 'GIGACHAT')[0]?.setting).toBe(setting)
  })
})
