import { hash } from 'node:crypto'
import { makeRejectionEventId } from '#libs/contracts'
import { TaskError, type Rejection } from '#libs/kernel'

let made = 0

/** A delivery that is not JSON, at an offset of its own. */
export function makeTestRejection(fields: Partial<Rejection> = {}): Rejection {
  const source = fields.source ?? { topic: 'llm.tasks', partition: 1, offset: BigInt(++made) }
  const value = fields.value === undefined ? Buffer.from('{not json') : fields.value
  return {
    source,
    key: null,
    value,
    error: TaskError.invalid('invalid_json', 'the value is not JSON'),
    eventId: makeRejectionEventId(source.topic, source.partition, source.offset, value && hash('sha256', value)),
    deadLetter: Buffer.from('{"kind":"rejected"}'),
    ...fields,
  }
}
