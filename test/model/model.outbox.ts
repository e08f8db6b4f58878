import type { OutboxMessage, Rejection } from '#libs/kernel'
import type { ModelMessage, ModelTables } from './model.tables.js'

export function makeMessage({ id, channel, of }: ModelMessage): OutboxMessage {
  if ('deadLetter' in of) {
    return { id, channel, eventId: of.eventId, key: of.key, value: of.deadLetter, traceparent: null, correlationId: null }
  }
  const { task, resultEventId, deadLetter } = of.end
  const shared = { id, channel, key: task.key, traceparent: task.traceparent, correlationId: task.correlationId }
  return channel === 'results'
    ? { ...shared, eventId: resultEventId, value: of.event }
    : { ...shared, eventId: deadLetter!.eventId, value: deadLetter!.value }
}

/** A delivery is rejected once: only then is there a message. */
export function storeRejections(tables: ModelTables, rejections: readonly Rejection[], nowMs: number): OutboxMessage[] {
  return rejections.flatMap((rejection) => {
    if (tables.rejections.has(rejection.eventId)) return []
    tables.rejections.set(rejection.eventId, rejection)
    const message: ModelMessage = { id: tables.nextNumber(), channel: 'dead_letters', of: rejection, createdAtMs: nowMs }
    tables.outbox.push(message)
    return [makeMessage(message)]
  })
}

/** Who takes a message makes it young again, so that others leave it alone for as long. */
export function takeOld({ outbox }: ModelTables, olderThanMs: number, limit: number, nowMs: number): OutboxMessage[] {
  const taken = outbox.filter(({ createdAtMs }) => createdAtMs < nowMs - olderThanMs).slice(0, limit)
  taken.forEach((message) => (message.createdAtMs = nowMs))
  return taken.map(makeMessage)
}
