import type { BaseOptions } from '@platformatic/kafka'
import { readFileSync } from 'node:fs'
import type { QueueSettings } from '../../queue.settings.js'

const CONNECT_TIMEOUT_MS = 5_000
/** A new leader is learned from errors; this only bounds how late new partitions are seen. */
const METADATA_MAX_AGE_MS = 30_000

function makeSaslOptions(sasl: QueueSettings['sasl']): Pick<BaseOptions, 'sasl'> {
  if (sasl === undefined) return {}
  const { mechanism, username, password, passwordFile } = sasl
  const readPassword = () => (passwordFile === undefined ? password : readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''))
  return { sasl: { mechanism, username, password: readPassword } }
}

function makeTlsOptions(tls: QueueSettings['tls']): Pick<BaseOptions, 'tls' | 'tlsServerName'> {
  if (tls === undefined) return {}
  const { ca, cert, key } = tls
  return { tls: { minVersion: 'TLSv1.2', ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }, tlsServerName: true }
}

/** What all clients share. They retry nothing by themselves: each failure has one retry owner, and it is ours. */
export function makeClientOptions(settings: QueueSettings, role: string): BaseOptions & { clientId: string } {
  return {
    clientId: `${settings.clientId}-${role}`,
    bootstrapBrokers: [...settings.brokers],
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: settings.requestTimeoutMs,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    retries: 0,
    autocreateTopics: false,
    ...makeSaslOptions(settings.sasl),
    ...makeTlsOptions(settings.tls),
  }
}
