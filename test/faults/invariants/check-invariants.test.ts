import { describe, expect, it } from 'vitest'
import {
  attemptIdOf,
  makeAttempt,
  makeCall,
  makeEvidence,
  OPENED_AT_MS,
  RECEIVED_AT_MS,
  withLedger,
} from '../../factories/evidence.factory.js'
import { checkInvariants } from './check-invariants.js'
import type { Evidence } from './evidence.js'
import type { LedgerSnapshot } from './ledger.snapshot.js'
import { CANARY } from './secrets.invariant.js'

type Rows = 'tasks' | 'runs' | 'attempts' | 'answers' | 'rejections'

/** The same rows with other fields in the first that belongs to a task. */
function change<T extends Rows>(rows: T, number: number, fields: Partial<LedgerSnapshot[T][number]>): Evidence {
  const isOf = (row: object) => ('task_number' in row ? row.task_number : 'id' in row ? row.id : 9) === number
  return withLedger((ledger) => ({ [rows]: ledger[rows].map((row) => (isOf(row) ? { ...row, ...fields } : row)) }))
}

function drop(rows: Rows, number: number): Evidence {
  const isOf = (row: object) => ('task_number' in row ? row.task_number : 'id' in row ? row.id : 9) === number
  return withLedger((ledger) => ({ [rows]: ledger[rows].filter((row) => !isOf(row)) }))
}

/** A second attempt of task 1, opened 50 ms after the first. */
function withSecond(attempt: Parameters<typeof makeAttempt>[1], fields: Partial<Evidence> = {}): Evidence {
  const second = makeAttempt(1, { id: SECOND, number: 2, opened_at: new Date(OPENED_AT_MS + 50), ...attempt })
  return withLedger(({ attempts }) => ({ attempts: [...attempts, second] }), fields)
}

const SECOND = attemptIdOf(8)
const calls = makeEvidence().calls
const results = makeEvidence().results
const at = (ms: number) => new Date(ms).toISOString()
const twice = [...calls, makeCall(1, { attempt_id: SECOND, time: at(OPENED_AT_MS + 150) })]
const lease = { id: 3, worker: 'host:3', state: 'held' }
const queued = { id: 7, task_id: 't7', reason: null, lease_id: null, lease_state: null }

const BROKEN: readonly (readonly [invariant: string, problem: string, evidence: () => Evidence])[] = [
  ['I1', 'a bad delivery has no rejection', () => drop('rejections', 9)],
  ['I1', 'a bad delivery has no rejection', () => change('rejections', 9, { error_code: 'tombstone' })],
  ['I1', 'a good delivery was rejected', () => change('rejections', 9, { offset: '1' })],
  ['I1', 'a delivery was lost', () => drop('tasks', 1)],
  ['I1', 'a task was accepted from another record than its first', () => change('tasks', 1, { offset: '8' })],
  ['I1', 'a task has not exactly one terminal record', () => drop('runs', 1)],
  [
    'I1',
    'a task has not exactly one terminal record',
    () => withLedger(({ runs }) => ({ runs: [...runs, { ...runs[0]!, result_event_id: 'other' }] })),
  ],
  [
    'I1',
    'the ledger has tasks that nobody sent',
    () => withLedger(({ tasks }) => ({ tasks: [...tasks, { ...tasks[0]!, id: 8, task_id: 't8', offset: '8' }] })),
  ],
  ['I2', 'a result was never published', () => makeEvidence({ results: results.slice(1) })],
  ['I2', 'a dead letter was never published', () => makeEvidence({ deadLetters: [] })],
  [
    'I2',
    "a result differs from the ledger's",
    () => makeEvidence({ results: [...results, { ...results[0]!, value: { ...results[0]!.value, attempts: 2 } }] }),
  ],
  [
    'I2',
    'a result was published of which the ledger knows nothing',
    () => makeEvidence({ results: [...results, { ...results[0]!, value: { ...results[0]!.value, event_id: 'other' } }] }),
  ],
  ['I2', 'only failed runs have a dead letter, and all of them', () => change('runs', 5, { dead_letter_event_id: null })],
  ['I2', 'only failed runs have a dead letter, and all of them', () => change('runs', 1, { outcome: 'failed' })],
  ['I3', 'a terminal record was changed', () => withLedger(() => ({ changedEnds: [{ change: 'UPDATE' }] }))],
  [
    'I4',
    'a call was opened after the run had its answer',
    () => withSecond({ opened_at: new Date(RECEIVED_AT_MS + 1), state: 'not_sent', error_code: 'llm_unreachable' }),
  ],
  [
    'I4',
    'a call was sent after the run had its answer',
    () => withSecond({ state: 'refused' }, { calls: [...calls, makeCall(1, { attempt_id: SECOND, time: at(RECEIVED_AT_MS + 1_001) })] }),
  ],
  ['I5', 'a call has no attempt row', () => drop('attempts', 1)],
  ['I5', 'a call has no attempt row', () => makeEvidence({ calls: [...calls, makeCall(1, { attempt_id: null })] })],
  ['I5', 'an attempt was sent more than once', () => makeEvidence({ calls: [...calls, makeCall(1)] })],
  ['I5', 'an attempt is open for ever', () => withSecond({ state: 'sending' })],
  ['I5', 'a call was made for an attempt that says not_sent', () => change('attempts', 1, { state: 'not_sent' })],
  ['I5', 'a paid call is written down as refused', () => change('attempts', 1, { state: 'refused' })],
  ['I5', 'an answered attempt has no answer', () => drop('answers', 1)],
  ['I5', 'an answered attempt was never billed', () => makeEvidence({ calls: calls.slice(1) })],
  [
    'I5',
    'an attempt that was interrupted by a kill is not maybe_paid',
    () => withSecond({ state: 'not_sent' }, { interrupted: new Set([SECOND]) }),
  ],
  ['I5', 'an attempt is maybe_paid for no reason', () => withSecond({ state: 'maybe_paid' })],
  ['I5', 'an attempt is maybe_paid for no reason', () => withSecond({ state: 'maybe_paid' }, { interrupted: undefined })],
  [
    'I5',
    'an attempt is maybe_paid for no reason',
    () =>
      withSecond(
        { state: 'maybe_paid' },
        { interrupted: undefined, faults: [{ fromMs: OPENED_AT_MS + 5_000, toMs: OPENED_AT_MS + 9_000 }] },
      ),
  ],
  [
    'I5',
    'a run may have been paid for more often than its type allows',
    () => {
      const unclear = [makeAttempt(1, { state: 'maybe_paid' }), makeAttempt(1, { id: SECOND, number: 2, state: 'maybe_paid' })]
      return withLedger(({ attempts }) => ({ attempts: [...unclear, ...attempts.slice(1)] }), { mostRepeats: new Map([['prompt', 0]]) })
    },
  ],
  ['I5', 'a run was paid for too often', () => withSecond({ state: 'answered' }, { calls: twice })],
  [
    'I5',
    'a run was paid for too often',
    () => withSecond({ state: 'maybe_paid' }, { calls: twice, interrupted: new Set([SECOND]), mostRepeats: new Map([['prompt', 0]]) }),
  ],
  ['I5', 'a run was paid for too often', () => withSecond({ state: 'maybe_paid' }, { calls: twice, interrupted: undefined })],
  ['I7', 'a task did not end', () => withLedger(() => ({ queue: [{ ...queued, state: 'pending' }] }))],
  ['I7', 'a task runs under a dead lease', () => withLedger(() => ({ queue: [{ ...queued, state: 'running', lease_state: 'ended' }] }))],
  ['I7', 'a task has ended and is still in the queue', () => withLedger(() => ({ queue: [{ ...queued, id: 1, state: 'held' }] }))],
  ['I7', 'the attempts of a run have gaps', () => change('attempts', 1, { number: 2 })],
  ['I8', 'an offset was committed before its record was stored', () => drop('tasks', 1)],
  ['I9', 'the outbox is not empty', () => withLedger(() => ({ outboxRows: 1 }))],
  ['I16', 'a prompt or an answer is in the log', () => makeEvidence({ log: `{"msg":"sent","prompt":"${CANARY} hello"}\n` })],
  ['I10', 'all workers have stopped and a lease is held', () => withLedger(() => ({ leases: [{ ...lease, expired_ms: -1_000 }] }))],
  [
    'I10',
    'a lease has expired long ago and nobody has reaped it',
    () => withLedger(() => ({ leases: [{ ...lease, expired_ms: 20_001 }], connections: 1 })),
  ],
  ['I16', 'a secret is in the log', () => makeEvidence({ log: 'connected to postgresql://user:word@host/ledger' })],
  ['I15', 'the books of the ledger are wrong', () => withLedger(() => ({ books: new Map([['accepted', 5]]) }))],
  [
    'I15',
    'the metrics do not add up',
    () =>
      makeEvidence({
        pages: ['sluice_ledger_runs{event="accepted"} 5\nsluice_ledger_runs{event="failed"} 1\nsluice_ledger_tasks{state="held"} 3\n'],
      }),
  ],
  ['I16', 'a prompt or an answer is in the log', () => makeEvidence({ pages: [`{"status":"down","error":"${CANARY}"}`] })],
  ['I16', 'a secret is in the log', () => makeEvidence({ log: 'signed with a-key-of-s3' })],
  ['I16', 'a secret is in the log', () => makeEvidence({ log: 'asked as id:secret' })],
  ['I16', 'a secret is in the log', () => makeEvidence({ log: `asked with ${btoa('id:secret')}` })],
  ['I16', 'a token is in the log', () => makeEvidence({ log: '{"headers":{"authorization":"Bearer abcdefghijklmnop"}}' })],
  ['I16', 'a token is in the log', () => makeEvidence({ log: `{"access_token":"${'x'.repeat(1_232)}"}` })],
  [
    'I17',
    'an object has no result',
    () => makeEvidence({ answers: [...makeEvidence().answers, { key: 'answers/x', sha256: '', text: '' }] }),
  ],
  ['I17', 'a result names an object that is missing or another', () => makeEvidence({ answers: [] })],
  [
    'I17',
    'a result names an object that is missing or another',
    () => makeEvidence({ answers: makeEvidence().answers.map((object) => ({ ...object, sha256: 'other' })) }),
  ],
  ['I18', 'a run books other tokens than were billed', () => change('runs', 1, { completion_tokens: 8 })],
  ['I18', 'a run that succeeded books no tokens', () => change('runs', 1, { prompt_tokens: null, completion_tokens: null })],
  ['I18', 'the ledger books other tokens in all than the bill', () => change('runs', 5, { prompt_tokens: null, completion_tokens: null })],
  [
    'limits',
    'more calls were under way at once than there are streams',
    () => makeEvidence({ calls: calls.map((call) => (call.sequence === 2 ? { ...call, time: at(OPENED_AT_MS + 80) } : call)) }),
  ],
  [
    'limits',
    "a call was refused by the provider's own limit",
    () =>
      withSecond(
        { state: 'refused' },
        { calls: [...calls, makeCall(1, { attempt_id: SECOND, status: 429, paid: false, outcome: 'refused' })] },
      ),
  ],
  ['order', 'the results of a key are not numbered 1 to n by their offsets', () => change('runs', 4, { key_sequence: 3 })],
  [
    'order',
    'two calls of one key overlap',
    () => makeEvidence({ calls: calls.map((call) => (call.sequence === 4 ? { ...call, time: at(OPENED_AT_MS + 1_050) } : call)) }),
  ],
  [
    'answers',
    'a task did not end as succeeded',
    () => makeEvidence({ results: results.map((event) => ({ ...event, value: { ...event.value, outcome: 'expired' } })) }),
  ],
  [
    'answers',
    'a task has another answer than its own',
    () => makeEvidence({ results: results.map((event) => ({ ...event, value: { ...event.value, output: { text: 'answer of t9' } } })) }),
  ],
]

describe(checkInvariants.name, () => {
  it('finds nothing wrong where all is well', () => {
    expect(checkInvariants(makeEvidence())).toEqual([])
  })

  it.each<[string, Partial<Evidence>]>([
    ['a kill', { interrupted: new Set([SECOND]) }],
    [
      'the provider',
      { interrupted: undefined, calls: [...calls, makeCall(1, { attempt_id: SECOND, time: at(OPENED_AT_MS + 150), outcome: 'broken' })] },
    ],
    ['a fault', { interrupted: undefined, faults: [{ fromMs: OPENED_AT_MS + 90, toMs: OPENED_AT_MS + 300 }] }],
  ])('lets a run be paid for once more when its call was interrupted by %s', (_, fields) => {
    expect(checkInvariants(withSecond({ state: 'maybe_paid' }, { calls: twice, ...fields }))).toEqual([])
  })

  it.each(BROKEN)('reports %s when %s', (invariant, problem, evidence) => {
    expect(checkInvariants(evidence())).toContainEqual(expect.objectContaining({ invariant, problem }))
  })
})
