import { request, type RequestOptions } from 'node:https'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../../apps/simulator/src/simulator.js'
import { makeIdentity } from '../../../libs/llm/src/testing/certificates.js'

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
    const server = makeIdentity('simulator')
    const simulator = await startSimulator({ tls: { cert: server.certPem, key: server.keyPem } })
    onTestFinished(() => simulator.close())
    const url = `${simulator.url}/v1/chat/completions`

    await expect(post(url, {})).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(await post(url, { ca: server.certPem })).toMatchObject({ status: 401 })
  })

  it('knows a client by its certificate and needs no token then', async () => {
    const server = makeIdentity('simulator')
    const client = makeIdentity('bank')
    const simulator = await startSimulator({ tls: { cert: server.certPem, key: server.keyPem, clientCa: client.certPem } })
    onTestFinished(() => simulator.close())
    const url = `${simulator.url}/v1/chat/completions`

    await expect(post(url, { ca: server.certPem })).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/)
    expect(await post(url, { ca: server.certPem, cert: client.certPem, key: client.keyPem })).toMatchObject({ status: 200 })
    expect([...simulator.simulation.bill.recordsSince(0)]).toMatchObject([{ credential: 'bank', paid: true }])
  })
})
