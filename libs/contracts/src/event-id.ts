import { hash } from 'node:crypto'

const VARIANT_DIGITS = '89ab'

/** A UUID (version 8, RFC 9562) made from a name: the same name always gives the same id, on every replica and after every restart. */
function makeNamedUuid(name: string): string {
  const hex = hash('sha256', name, 'hex')
  const variant = VARIANT_DIGITS[Number.parseInt(hex[16]!, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The id of the result event of one run: consumers deduplicate by it. */
export function makeResultEventId(tenant: string, taskId: string, run: number): string {
  return makeNamedUuid(`result\n${tenant}\n${taskId}\n${run}`)
}

/** The id of the dead letter of one failed run. */
export function makeDeadLetterEventId(tenant: string, taskId: string, run: number): string {
  return makeNamedUuid(`dead-letter\n${tenant}\n${taskId}\n${run}`)
}

/**
 * The id of the dead letter of a rejected delivery: a function of its place in Kafka, and of its bytes, since a topic that is made anew has
 * the same places again. `valueHash` is null for a tombstone.
 */
export function makeRejectionEventId(topic: string, partition: number, offset: bigint, valueHash: string | null): string {
  return makeNamedUuid(`rejection\n${topic}\n${partition}\n${offset}\n${valueHash ?? ''}`)
}
