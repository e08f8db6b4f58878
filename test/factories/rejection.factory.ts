import { makeRejectionEventId } from '#libs/contracts'
import { TaskError, type Rejection } from '#libs/kernel'

let made = 0

/** A delivery that is not JSON, at an offset of its own. */
export function makeTestRejection(fields: Partial<Rejection> = {}): Rejection {
  const source = fields.source ?? { topic: 'llm.tasks', partition: 1, offset: BigInt(++made) }
  return {
    source,
    key: null,
    value: Buffer.from('{not json'),
    error: TaskError.invalid('invalid_json', 'the value is not JSON'),
    eventId: makeRejectionEventId(source.topic, source.partition, source.offset),
    deadLetter: Buffer.from('{"kind":"rejected"}'),
    ...fields,
  }
}
