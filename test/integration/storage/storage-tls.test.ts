import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FileStore } from '#libs/kernel'
import { makeIdentity } from '../../../libs/llm/src/testing/certificates.js'
import { createStorage } from '../../../libs/storage/test/storage.testing-module.js'
import { makeStorageSettings } from './s3.js'

const NEVER = new AbortController().signal
const FILE = { key: 'inputs/a.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 10 }

/** An S3 whose certificate only its own authority knows. */
async function startSecureS3(): Promise<{ endpoint: string; certificate: string }> {
  const { certPem, keyPem } = makeIdentity('s3')
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    request.resume()
    response.end('text')
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, certificate: certPem }
}

async function createStore(endpoint: string, env: Record<string, string>): Promise<FileStore> {
  const s3 = { endpoint, accessKey: 'access', secretKey: 'secret' }
  const module = await createStorage(makeStorageSettings(s3, 'tls', { ...env, S3_RETRY_ATTEMPTS: '1' }))
  onTestFinished(() => module.close())
  return module.get(FileStore)
}

describe('the file store over TLS', () => {
  it('trusts an authority of its own', async () => {
    const { endpoint, certificate } = await startSecureS3()
    const store = await createStore(endpoint, { S3_CA_BUNDLE: certificate })
    await expect(store.readText(FILE, NEVER)).resolves.toMatchObject({ text: 'text' })
  })

  it('refuses a certificate that it cannot check, and says so', async () => {
    const { endpoint } = await startSecureS3()
    const store = await createStore(endpoint, {})
    await expect(store.readText(FILE, NEVER)).rejects.toMatchObject({
      code: 'storage_unavailable',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    })
  })
})
