import { HEADERS } from '#libs/contracts'
import type { OutboxMessage } from '#libs/kernel'
import type { ProducedRecord } from '../kafka-client.port.js'

const CE_TYPES = { results: 'sluice.result', dead_letters: 'sluice.dead-letter' }
const CE_SOURCE = 'sluice'
const CE_SPEC_VERSION = '1.0'
const CONTENT_TYPE = 'application/json'

/** CloudEvents 1.0 in binary mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md */
export function makeProducedRecord(message: OutboxMessage, topic: string): ProducedRecord {
  const { channel, eventId, key, value, traceparent, correlationId } = message
  const headers = new Map<string, string>([
    [HEADERS.eventId, eventId],
    [HEADERS.contentType, CONTENT_TYPE],
    [HEADERS.ceSpecVersion, CE_SPEC_VERSION],
    [HEADERS.ceId, eventId],
    [HEADERS.ceType, CE_TYPES[channel]],
    [HEADERS.ceSource, CE_SOURCE],
  ])
  if (traceparent !== null) headers.set(HEADERS.traceparent, traceparent)
  if (correlationId !== null) headers.set(HEADERS.correlationId, correlationId)
  return { topic, key, value, headers }
}
