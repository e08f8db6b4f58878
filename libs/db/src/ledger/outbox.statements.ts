import type { OutboxMessage, Rejection } from '#libs/kernel'
import { makeBigintArray, makeByteaArray, makeIntegerArray, makeTextArray, makeUuidArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'
import { makeBooking } from './booking.sql.js'

/** Rows of the last release name the place alone. */
const IS_ITS_EVENT = 'dead_letter_event_id = coalesce(o.event_id, dead_letter_event_id)'

const REJECT: Statement = {
  name: 'reject',
  text: `
  WITH fresh AS (
    INSERT INTO rejected_delivery (topic, partition, "offset", record_key, value, error_code, error_message, dead_letter_event_id,
                                   dead_letter_event)
    SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[], $7::text[], $8::uuid[], $9::bytea[])
      AS i(topic, partition, "offset", record_key, value, error_code, error_message, event_id, event)
    ORDER BY topic, partition, "offset"
    ON CONFLICT DO NOTHING
    RETURNING topic, partition, "offset", dead_letter_event_id
  ), ${makeBooking(`SELECT 'rejected' AS event, count(*) AS amount FROM fresh`)}
  INSERT INTO outbox (channel, topic, partition, "offset", event_id)
  SELECT 'dead_letters', topic, partition, "offset", dead_letter_event_id FROM fresh
  RETURNING id, event_id::text AS event_id`,
}

const MARK_PUBLISHED: Statement = { name: 'outbox-published', text: `DELETE FROM outbox WHERE id = ANY($1::bigint[])` }

const POSTPONE: Statement = {
  name: 'outbox-postpone',
  text: `UPDATE outbox SET created_at = now() + make_interval(secs => $2 / 1000.0) WHERE id = $1`,
}

/** Of one take: the first message over it is the last. After a long outage all that is old is large too. */
const MAX_TAKEN_BYTES = 8 * 1024 ** 2

/**
 * Pushing `created_at` forward is the sweeper's short claim: another replica leaves the message alone until it is old again, and the row
 * locks last only as long as this statement.
 */
const TAKE_UNPUBLISHED: Statement = {
  name: 'outbox-take',
  text: `
  WITH old AS MATERIALIZED (
    SELECT * FROM outbox WHERE created_at < now() - make_interval(secs => $1 / 1000.0) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
  ), sized AS (
    SELECT o.id, octet_length(CASE o.channel WHEN 'results' THEN r.result_event ELSE coalesce(r.dead_letter_event, d.dead_letter_event) END) AS bytes
    FROM old o
    LEFT JOIN LATERAL (SELECT * FROM run_record WHERE accepted_on = o.accepted_on AND task_number = o.task_number AND run = o.run LIMIT 1) r ON true
    LEFT JOIN LATERAL (
      SELECT * FROM rejected_delivery WHERE topic = o.topic AND partition = o.partition AND "offset" = o."offset" AND ${IS_ITS_EVENT} LIMIT 1
    ) d ON true
  ), summed AS (
    SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS bytes_before FROM sized
  ), taken AS (
    UPDATE outbox SET created_at = now() WHERE id = ANY(ARRAY(SELECT id FROM summed WHERE bytes_before < ${MAX_TAKEN_BYTES}))
    RETURNING *
  )
  SELECT o.id, o.channel, t.record_key, t.traceparent, t.correlation_id,
         CASE o.channel WHEN 'results' THEN r.result_event_id ELSE r.dead_letter_event_id END AS event_id,
         CASE o.channel WHEN 'results' THEN r.result_event ELSE r.dead_letter_event END AS event
  FROM taken o
  CROSS JOIN LATERAL (SELECT * FROM run_record WHERE accepted_on = o.accepted_on AND task_number = o.task_number AND run = o.run LIMIT 1) r
  CROSS JOIN LATERAL (SELECT * FROM task WHERE accepted_on = o.accepted_on AND id = o.task_number LIMIT 1) t
  UNION ALL
  SELECT o.id, o.channel, d.record_key, NULL, NULL, d.dead_letter_event_id, d.dead_letter_event
  FROM taken o
  CROSS JOIN LATERAL (
    SELECT * FROM rejected_delivery WHERE topic = o.topic AND partition = o.partition AND "offset" = o."offset" AND ${IS_ITS_EVENT} LIMIT 1
  ) d
  ORDER BY id`,
}

interface RejectRow extends Row {
  id: number
  event_id: string
}

/** Stores rejections and their dead letters. Returns the messages to publish: none for a delivery that was rejected before: the same bytes at the same place. */
export async function rejectDeliveries(pool: HotPool, rejections: readonly Rejection[]): Promise<OutboxMessage[]> {
  const rows = await pool.run<RejectRow>(REJECT, [
    makeTextArray(rejections.map(({ source }) => source.topic)),
    makeIntegerArray(rejections.map(({ source }) => source.partition)),
    makeBigintArray(rejections.map(({ source }) => source.offset)),
    makeByteaArray(rejections.map(({ key }) => key)),
    makeByteaArray(rejections.map(({ value }) => value)),
    makeTextArray(rejections.map(({ error }) => error.code)),
    makeTextArray(rejections.map(({ error }) => error.message.replaceAll('\0', '\u{FFFD}'))),
    makeUuidArray(rejections.map(({ eventId }) => eventId)),
    makeByteaArray(rejections.map(({ deadLetter }) => deadLetter)),
  ])
  const byEvent = new Map(rejections.map((rejection) => [rejection.eventId, rejection]))
  return rows.map((row) => {
    const rejection = byEvent.get(row.event_id)!
    return {
      id: row.id,
      channel: 'dead_letters',
      eventId: rejection.eventId,
      key: rejection.key,
      value: rejection.deadLetter,
      traceparent: null,
      correlationId: null,
    }
  })
}

export async function markPublished(pool: HotPool, ids: readonly number[]): Promise<void> {
  await pool.run(MARK_PUBLISHED, [makeBigintArray(ids)])
}

export async function postponePublishing(pool: HotPool, id: number, delayMs: number): Promise<void> {
  await pool.run(POSTPONE, [id, delayMs])
}

interface OutboxRow extends Row {
  id: number
  channel: OutboxMessage['channel']
  record_key: Buffer | null
  traceparent: string | null
  correlation_id: string | null
  event_id: string
  event: Buffer
}

export async function takeUnpublished(pool: HotPool, olderThanMs: number, limit: number): Promise<OutboxMessage[]> {
  const rows = await pool.run<OutboxRow>(TAKE_UNPUBLISHED, [olderThanMs, limit])
  return rows.map((row) => ({
    id: row.id,
    channel: row.channel,
    eventId: row.event_id,
    key: row.record_key,
    value: row.event,
    traceparent: row.traceparent,
    correlationId: row.correlation_id,
  }))
}
