/** Kafka record headers that Sluice reads or writes. Anything else in a record is ignored, reply-topic headers first of all. */
export const HEADERS = {
  traceparent: 'traceparent',
  correlationId: 'correlation-id',
  eventId: 'event-id',
  ceId: 'ce_id',
  ceType: 'ce_type',
  ceSource: 'ce_source',
  ceSpecVersion: 'ce_specversion',
  ceTime: 'ce_time',
  contentType: 'content-type',
} as const
