import { createHash } from 'node:crypto'
import type { DeadLetterEvent, ResultEvent } from '#libs/contracts'
import type { BilledCall, CollectedEvent } from '#tools/rig'
import type { Evidence } from '../faults/invariants/evidence.js'
import type { AckedRecord } from '../faults/invariants/journal.js'
import { listSecrets } from '../faults/invariants/list-secrets.js'
import type { AttemptRow, LedgerSnapshot, RunRow, TaskRow } from '../faults/invariants/ledger.snapshot.js'

/** The moments of the run of task number 1, in ms; each next task's are a second later. */
export const OPENED_AT_MS = Date.UTC(2026, 0, 2, 3, 4, 0)
export const RECEIVED_AT_MS = OPENED_AT_MS + 110
const CALL = { fromMs: 5, durationMs: 100 }
const TOPIC = 'llm.tasks'
const LARGE_KEY = 'answers/t3'

/** Task 1 is plain, 2 and 4 share an ordering key, 3 has a large answer, 5 failed. */
const NUMBERS = [1, 2, 3, 4, 5]
const KEYED = [2, 4]
const LARGE = 3
const FAILED = 5

const textOf = (number: number): string => `answer of t${number}`
export const attemptIdOf = (number: number): string => `00000000-0000-4000-8000-00000000000${number}`
const shiftOf = (number: number): number => (number - 1) * 1_000

/** What a fault test knows of five tasks and one broken record, all of which went as they should. */
export function makeEvidence(fields: Partial<Evidence> = {}): Evidence {
  const answers = [{ key: LARGE_KEY, sha256: createHash('sha256').update(textOf(LARGE)).digest('hex'), text: textOf(LARGE) }]
  return {
    acked: [...NUMBERS.map(makeTaskRecord), { ...placeOf(9), key: null, fate: { kind: 'rejected', code: 'invalid_json' } }],
    ledger: makeLedger(),
    results: NUMBERS.map((number) => makeCollected(makeResult(number))),
    deadLetters: [makeCollected(makeDeadLetter('failed')), makeCollected(makeDeadLetter('rejected'))],
    calls: NUMBERS.map((number) => makeCall(number)),
    committed: [{ topic: TOPIC, partition: 0, offset: 10n }],
    answers,
    interrupted: new Set(),
    faults: [],
    pages: [],
    streams: 1,
    secrets: listSecrets({
      S3_SECRET_KEY: 'a-key-of-s3',
      GIGACHAT_CREDENTIALS: btoa('id:secret'),
      DATABASE_URL: 'postgresql://user:word@host/ledger',
    }),
    mostRepeats: new Map([['prompt', 1]]),
    log: '{"msg":"a task has ended","taskId":"t1"}\n',
    ...fields,
  }
}

/** The same with other rows in its ledger. */
export function withLedger(change: (ledger: LedgerSnapshot) => Partial<LedgerSnapshot>, fields: Partial<Evidence> = {}): Evidence {
  const evidence = makeEvidence(fields)
  return { ...evidence, ledger: { ...evidence.ledger, ...change(evidence.ledger) } }
}

/** The only call of a task, unless the fields say otherwise. */
export function makeCall(number: number, fields: Partial<BilledCall> = {}): BilledCall {
  return {
    sequence: number,
    time: new Date(OPENED_AT_MS + shiftOf(number) + CALL.fromMs).toISOString(),
    duration_ms: CALL.durationMs,
    method: 'POST',
    path: '/v1/chat/completions',
    credential: 'fault',
    attempt_id: attemptIdOf(number),
    tasks: [`t${number}`],
    model: 'GigaChat-2',
    status: 200,
    outcome: 'answered',
    paid: true,
    prompt_tokens: 20 + number,
    completion_tokens: 7,
    stream: false,
    fault: null,
    ...fields,
  }
}

/** The only attempt of a task, unless the fields say otherwise. */
export function makeAttempt(number: number, fields: Partial<AttemptRow> = {}): AttemptRow {
  return {
    id: attemptIdOf(number),
    task_number: number,
    task_id: `t${number}`,
    run: 1,
    number: 1,
    state: 'answered',
    opened_at: new Date(OPENED_AT_MS + shiftOf(number)),
    error_code: null,
    ...fields,
  }
}

function makeLedger(): LedgerSnapshot {
  return {
    tasks: NUMBERS.map(makeTask),
    runs: NUMBERS.map(makeRun),
    attempts: NUMBERS.map((number) => makeAttempt(number)),
    answers: NUMBERS.map((number) => ({
      attempt_id: attemptIdOf(number),
      task_number: number,
      run: 1,
      received_at: new Date(RECEIVED_AT_MS + shiftOf(number)),
    })),
    rejections: [
      {
        ...placeOf(9),
        offset: '9',
        error_code: 'invalid_json',
        dead_letter_event_id: 'rejected',
        dead_letter_event: JSON.stringify(makeDeadLetter('rejected')),
      },
    ],
    queue: [],
    leases: [
      { id: 1, worker: 'host:1', state: 'reaped', expired_ms: 30_000 },
      { id: 2, worker: 'host:2', state: 'released', expired_ms: -1_000 },
    ],
    connections: 0,
    outboxRows: 0,
    changedEnds: [],
    books: new Map([
      ['accepted', NUMBERS.length],
      ['rejected', 1],
      ['succeeded', NUMBERS.length - 1],
      ['failed', 1],
    ]),
  }
}

function makeTask(number: number): TaskRow {
  const key = KEYED.includes(number) ? 'ab' : null
  return {
    id: number,
    tenant: 'default',
    task_id: `t${number}`,
    type: 'prompt',
    topic: TOPIC,
    partition: 0,
    offset: String(number),
    ordering_key: key,
  }
}

function makeTaskRecord(number: number): AckedRecord {
  const outcome = number === FAILED ? ({ outcome: 'failed' } as const) : { text: textOf(number) }
  return { ...placeOf(number), key: null, fate: { kind: 'task', taskId: `t${number}`, ...outcome } }
}

function makeRun(number: number): RunRow {
  const isFailed = number === FAILED
  return {
    task_number: number,
    task_id: `t${number}`,
    run: 1,
    outcome: isFailed ? 'failed' : 'succeeded',
    error_code: isFailed ? 'output_invalid' : null,
    prompt_tokens: 20 + number,
    completion_tokens: 7,
    key_sequence: KEYED.includes(number) ? KEYED.indexOf(number) + 1 : null,
    result_event_id: `result-${number}`,
    result_event: JSON.stringify(makeResult(number)),
    dead_letter_event_id: isFailed ? 'failed' : null,
    dead_letter_event: isFailed ? JSON.stringify(makeDeadLetter('failed')) : null,
  }
}

function makeResult(number: number): ResultEvent {
  const text = textOf(number)
  const reference = { bucket: 'b', key: LARGE_KEY, sha256: createHash('sha256').update(text).digest('hex'), size: text.length }
  const output = number === LARGE ? { output_ref: reference } : number === FAILED ? {} : { output: { text } }
  return {
    event_id: `result-${number}`,
    tenant: 'default',
    task_id: `t${number}`,
    run: 1,
    type: 'prompt',
    outcome: number === FAILED ? 'failed' : 'succeeded',
    ...output,
    attempts: 1,
    versions: { settings: 1 },
    timings: { accepted_at: '', finished_at: '', waiting_ms: 0, total_ms: 0 },
  }
}

function makeDeadLetter(kind: 'rejected' | 'failed'): DeadLetterEvent {
  const source = { topic: TOPIC, partition: 0, offset: kind === 'failed' ? String(FAILED) : '9' }
  const error = { code: 'invalid_json', message: 'bad', fingerprint: 'f', causes: [] } as const
  return { event_id: kind, kind, source, error, attempts: kind === 'failed' ? 1 : 0, at: new Date(OPENED_AT_MS).toISOString() }
}

function makeCollected<T>(value: T): CollectedEvent<T> {
  return { topic: 'llm.results', partition: 0, offset: 0n, key: null, headers: new Map(), value, receivedAtMs: RECEIVED_AT_MS }
}

function placeOf(number: number) {
  return { topic: TOPIC, partition: 0, offset: BigInt(number) }
}
