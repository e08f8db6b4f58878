import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../../apps/simulator/src/simulator.js'

const OPENSSL = process.env.OPENSSL ?? 'openssl'

interface Identity {
  readonly cert: string
  readonly key: string
}

/** A self-signed certificate: its own authority. */
function makeIdentity(name: string, extension?: string): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const extensions = extension === undefined ? [] : ['-addext', extension]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-nodes', '-days', '2', '-subj', `/CN=${name}`, ...extensions, '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  )
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

async function post(url: string, options: RequestOptions): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent: false, ...options }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += String(chunk)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify({ model: 'GigaChat', messages: [{ role: 'user', content: 'x' }] }))
  })
}

describe('simulator with TLS', () => {
  it('is trusted only by those who know its authority', async () => {
    const server = makeIdentity('localhost', 'subjectAltName=IP:127.0.0.1')
    const simulator = await startSimulator({ tls: server })
    onTestFinished(() => simulator.close())
    const url = `${simulator.url}/v1/chat/completions`

    await expect(post(url, {})).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(await post(url, { ca: server.cert })).toMatchObject({ status: 401 })
  })

  it('knows a client by its certificate and needs no token then', async () => {
    const server = makeIdentity('localhost', 'subjectAltName=IP:127.0.0.1')
    const client = makeIdentity('bank')
    const simulator = await startSimulator({ tls: { ...server, clientCa: client.cert } })
    onTestFinished(() => simulator.close())
    const url = `${simulator.url}/v1/chat/completions`

    await expect(post(url, { ca: server.cert })).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/)
    expect(await post(url, { ca: server.cert, ...client })).toMatchObject({ status: 200 })
    expect([...simulator.simulation.bill.recordsSince(0)]).toMatchObject([{ credential: 'bank', paid: true }])
  })
})
