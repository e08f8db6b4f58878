import type { OutboxMessage } from '#libs/kernel'

let made = 0

export function makeOutboxMessage(fields: Partial<OutboxMessage> = {}): OutboxMessage {
  const id = fields.id ?? ++made
  return {
    id,
    channel: 'results',
    eventId: `event-${id}`,
    key: null,
    value: Buffer.from(`{"n":${id}}`),
    traceparent: null,
    correlationId: null,
    ...fields,
  }
}
