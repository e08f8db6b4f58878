import { hash } from 'node:crypto'
import { makeRejectionEventId, type DeadLetterEvent } from '#libs/contracts'
import { describeCauses, type Delivery, type Rejection, type TaskError } from '#libs/kernel'
import { makeOriginalFields } from '../run/original-fields.js'
import { makeFingerprint } from '../run/result-event.js'

/** What is larger is neither stored nor published: PostgreSQL ends a connection over a value of 1 GiB, and Kafka a producer's request. */
const MAX_VALUE_BYTES = 16 * 1_024 ** 2
const MAX_KEY_BYTES = 64 * 1_024

/** Why a delivery is no task, with what could be read of it all the same. */
export interface Problem {
  readonly error: TaskError
  readonly taskId?: string
  readonly tenant?: string
}

/** What becomes of a delivery that is no task. Its dead letter is a function of the record and the error alone, so it may be made again. */
export function makeRejection(delivery: Delivery, { error, taskId, tenant }: Problem): Rejection {
  const { topic, partition, offset, timestampMs } = delivery
  const key = keepWithin(delivery.key, MAX_KEY_BYTES)
  const value = keepWithin(delivery.value, MAX_VALUE_BYTES)
  const eventId = makeRejectionEventId(topic, partition, offset, hashOf(delivery))
  const event: DeadLetterEvent = {
    event_id: eventId,
    kind: 'rejected',
    source: { topic, partition, offset: String(offset), ...(key && { key: key.toString('base64') }) },
    ...(tenant !== undefined && { tenant }),
    ...(taskId !== undefined && { task_id: taskId }),
    error: {
      code: error.code,
      message: describeError(error, delivery.value, value),
      fingerprint: makeFingerprint(error, topic),
      causes: describeCauses(error.cause),
    },
    attempts: 0,
    ...(value && makeOriginalFields(value, { table: 'rejected_delivery', topic, partition, offset: String(offset) })),
    at: new Date(timestampMs).toISOString(),
  }
  return { source: { topic, partition, offset }, key, value, error, eventId, deadLetter: Buffer.from(JSON.stringify(event)) }
}

function hashOf({ value, unread }: Delivery): string | null {
  return unread?.sha256 ?? (value && hash('sha256', value))
}

function keepWithin(bytes: Buffer | null, maxBytes: number): Buffer | null {
  return bytes !== null && bytes.length > maxBytes ? null : bytes
}

function describeError({ message }: TaskError, value: Buffer | null, kept: Buffer | null): string {
  if (value === kept || value === null) return message
  return `${message}; the value is not kept: ${value.length} bytes, SHA-256 ${hash('sha256', value)}`
}
