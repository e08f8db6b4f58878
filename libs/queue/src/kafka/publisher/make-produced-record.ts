import { HEADERS } from '#libs/contracts'
import type { OutboxMessage } from '#libs/kernel'
import type { ProducedRecord } from '../kafka-client.port.js'

/** Made once: a result has eight headers, and they cost as much as its body. */
const CE_TYPES = { results: Buffer.from('sluice.result'), dead_letters: Buffer.from('sluice.dead-letter') }
const CE_SOURCE = Buffer.from('sluice')
const CE_SPEC_VERSION = Buffer.from('1.0')
const CONTENT_TYPE = Buffer.from('application/json')

/** CloudEvents 1.0 in binary mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md */
export function makeProducedRecord(message: OutboxMessage, topic: string): ProducedRecord {
  const { channel, key, value, traceparent, correlationId } = message
  const eventId = Buffer.from(message.eventId)
  const headers = new Map<string, Buffer>([
    [HEADERS.eventId, eventId],
    [HEADERS.contentType, CONTENT_TYPE],
    [HEADERS.ceSpecVersion, CE_SPEC_VERSION],
    [HEADERS.ceId, eventId],
    [HEADERS.ceType, CE_TYPES[channel]],
    [HEADERS.ceSource, CE_SOURCE],
  ])
  if (traceparent !== null) headers.set(HEADERS.traceparent, Buffer.from(traceparent))
  if (correlationId !== null) headers.set(HEADERS.correlationId, Buffer.from(correlationId))
  return { topic, key, value, headers }
}
