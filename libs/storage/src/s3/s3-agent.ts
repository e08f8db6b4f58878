import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { StorageSettings } from '../storage.settings.js'

const MAX_FREE_SOCKETS = 8

/** Kept connections, a bounded number of them. The caller destroys it. */
export function createS3Agent({ endpoint, maxSockets, caBundle }: StorageSettings): HttpAgent {
  const options = { keepAlive: true, maxSockets, maxFreeSockets: Math.min(maxSockets, MAX_FREE_SOCKETS), scheduling: 'lifo' as const }
  if (endpoint.protocol === 'http:') return new HttpAgent(options)
  return new HttpsAgent({ ...options, minVersion: 'TLSv1.2', ...(caBundle !== undefined && { ca: [...rootCertificates, caBundle] }) })
}

/** After a connection has gone silent the others that wait are suspect too: the next request makes a new one. */
export function dropFreeSockets(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}
