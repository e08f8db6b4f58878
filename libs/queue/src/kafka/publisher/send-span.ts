import { SpanKind } from '@opentelemetry/api'
import type { OutboxMessage } from '#libs/kernel'
import { contextOf, MESSAGING, openSpan, type OpenSpan } from '#libs/tracing'

/** The way of a message into Kafka, in the trace of its task. */
export function openSendSpan({ traceparent, eventId, value }: OutboxMessage, topic: string): OpenSpan | undefined {
  if (traceparent === null) return undefined
  const shape = {
    name: `send ${topic}`,
    kind: SpanKind.PRODUCER,
    attributes: {
      [MESSAGING.system]: 'kafka',
      [MESSAGING.operationType]: 'send',
      [MESSAGING.operationName]: 'send',
      [MESSAGING.destinationName]: topic,
      [MESSAGING.messageId]: eventId,
      [MESSAGING.bodySize]: value.length,
    },
  }
  return openSpan(shape, contextOf(traceparent))
}
