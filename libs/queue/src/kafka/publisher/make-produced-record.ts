import { HEADERS } from '#libs/contracts'
import type { OutboxMessage } from '#libs/kernel'
import type { ProducedRecord } from '../kafka-client.port.js'

/** Made once: a result has eight headers, and they cost as much as its body. */
const EVENT_ID = Buffer.from(HEADERS.eventId)
const CE_ID = Buffer.from(HEADERS.ceId)
const TRACEPARENT = Buffer.from(HEADERS.traceparent)
const CORRELATION_ID = Buffer.from(HEADERS.correlationId)
const CONSTANT_HEADERS = { results: makeConstantHeaders('sluice.result'), dead_letters: makeConstantHeaders('sluice.dead-letter') }

/** CloudEvents 1.0 in binary mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md */
export function makeProducedRecord(message: OutboxMessage, topic: string): ProducedRecord {
  const { channel, key, value, traceparent, correlationId } = message
  const eventId = Buffer.from(message.eventId)
  const headers = [EVENT_ID, eventId, CE_ID, eventId, ...CONSTANT_HEADERS[channel]]
  if (traceparent !== null) headers.push(TRACEPARENT, Buffer.from(traceparent))
  if (correlationId !== null) headers.push(CORRELATION_ID, Buffer.from(correlationId))
  return { topic, key, value, headers }
}

/** Of a record that was made here. */
export function eventIdOf({ headers }: ProducedRecord): string {
  return headers[headers.indexOf(EVENT_ID) + 1]!.toString()
}

function makeConstantHeaders(type: string): readonly Buffer[] {
  const headers = [HEADERS.contentType, 'application/json', HEADERS.ceSpecVersion, '1.0', HEADERS.ceType, type, HEADERS.ceSource, 'sluice']
  return headers.map((text) => Buffer.from(text))
}
