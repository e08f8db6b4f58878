import type { PlacedRecord, ServiceRig } from '#tools/rig'
import { CANARY } from '../invariants/secrets.invariant.js'
import type { Fate, JournalRecord } from '../invariants/journal.js'

export const HOSTILE_NAMES = [
  'not_json',
  'empty',
  'tombstone',
  'not_utf8',
  'no_prompt',
  'unknown_type',
  'unknown_parameter',
  'unknown_field',
  'too_large',
  'deep_nesting',
  'many_keys',
  'prototype',
  'nul_in_prompt',
  'lone_surrogate',
  'right_to_left',
  'key_outside',
  'reply_topic',
  'hostile_trace',
  'deadline_passed',
] as const

export type HostileName = (typeof HOSTILE_NAMES)[number]

interface Hostile {
  readonly value: Buffer | string | null
  readonly fate: (taskId: string) => Fate
  readonly headers?: Readonly<Record<string, string>>
}

const rejected =
  (code: Extract<Fate, { kind: 'rejected' }>['code']): Hostile['fate'] =>
  () => ({ kind: 'rejected', code })
const accepted: Hostile['fate'] = (taskId) => ({ kind: 'task', taskId })

/** More than the workers' MAX_MESSAGE_BYTES, less than what Kafka takes. */
const TOO_LARGE_BYTES = 100_000

const json = (id: HostileName, fields: object = {}) => JSON.stringify({ task_id: id, prompt: `[[task:${id}]] ${CANARY}`, ...fields })

const HOSTILE: Readonly<Record<HostileName, Hostile>> = {
  not_json: { value: '{"task_id": ', fate: rejected('invalid_json') },
  empty: { value: '', fate: rejected('invalid_json') },
  tombstone: { value: null, fate: rejected('tombstone') },
  not_utf8: { value: Buffer.from([0x7b, 0xff, 0x7d]), fate: rejected('invalid_json') },
  no_prompt: { value: '{"task_id":"no_prompt"}', fate: rejected('invalid_message') },
  unknown_type: { value: json('unknown_type', { type: 'unheard-of' }), fate: rejected('unknown_task_type') },
  unknown_parameter: { value: json('unknown_parameter', { params: { max_token: 1 } }), fate: rejected('invalid_message') },
  unknown_field: { value: json('unknown_field', { unheard_of: true }), fate: accepted },
  too_large: { value: json('too_large', { metadata: { x: 'x'.repeat(TOO_LARGE_BYTES) } }), fate: rejected('message_too_large') },
  deep_nesting: {
    value: `{"task_id":"deep","prompt":"x","metadata":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
    fate: rejected('invalid_message'),
  },
  many_keys: {
    value: `{"task_id":"many_keys","prompt":"x","metadata":{${'"":1,'.repeat(10_500)}"":1}}`,
    fate: rejected('invalid_message'),
  },
  prototype: { value: `{"task_id":"prototype","prompt":"[[task:prototype]]","metadata":{"__proto__":{"admin":"yes"}}}`, fate: accepted },
  nul_in_prompt: { value: json('nul_in_prompt', { prompt: `[[task:nul_in_prompt]] a\u0000b` }), fate: accepted },
  lone_surrogate: { value: `{"task_id":"lone_surrogate","prompt":"[[task:lone_surrogate]] \\ud83d alone"}`, fate: accepted },
  right_to_left: { value: json('right_to_left', { prompt: '[[task:right_to_left]] \u202Eabc \u0301\u0301\u0301 𝒜' }), fate: accepted },
  key_outside: { value: json('key_outside', { files: [{ key: 'inputs/../secret' }] }), fate: rejected('invalid_message') },
  reply_topic: {
    value: json('reply_topic'),
    fate: accepted,
    headers: { kafka_replyTopic: 'stolen', kafka_replyPartition: '0', kafka_correlationId: 'x' },
  },
  hostile_trace: {
    value: json('hostile_trace'),
    fate: accepted,
    headers: { traceparent: `00-${'f'.repeat(5_000)}-x-01`, tracestate: 'a='.repeat(5_000) },
  },
  deadline_passed: {
    value: json('deadline_passed', { deadline: '2020-01-01T00:00:00Z' }),
    fate: (taskId) => ({ kind: 'task', taskId, outcome: 'expired' }),
  },
}

/** The records of these names, spread over the partitions. */
export function readHostileRecords(names: readonly HostileName[], rig: Pick<ServiceRig, 'partitions' | 'topics'>): JournalRecord[] {
  return names.map((name, index) => {
    const { value, headers, fate } = HOSTILE[name]
    const record: PlacedRecord = {
      topic: rig.topics.names.tasks,
      partition: index % rig.partitions,
      key: null,
      value,
      ...(headers && { headers }),
    }
    return { record, fate: fate(name) }
  })
}
