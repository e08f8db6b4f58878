import fc from 'fast-check'
import { CAST_SIZE } from './cast.js'
import type { EndState, LedgerStep, OfferedRecord, Pick, ReplicaName } from './ledger.step.js'

const on = fc.constantFrom<ReplicaName>('A', 'B')
/** Most sequences should get far: what seldom happens seldom happens here. */
const seldom = fc.integer({ min: 0, max: 4 }).map((number) => number === 4)
const lost = fc.integer({ min: 0, max: 9 }).map((number) => number === 9)
const pick: fc.Arbitrary<Pick> = fc.record({
  back: fc.nat({ max: 5 }),
  stale: fc.integer({ min: 0, max: 3 }).map((number) => number === 3),
})
const end = fc.constantFrom<EndState>('refused', 'not_sent', 'maybe_paid')
const record: fc.Arbitrary<OfferedRecord> = fc.record({
  task: fc.nat({ max: CAST_SIZE - 1 }),
  copy: fc.integer({ min: 0, max: 7 }).map((number) => Math.max(0, number - 5)),
  changed: seldom,
})

const steps = {
  accept: fc.record({
    do: fc.constant('accept' as const),
    on,
    records: fc.array(record, { minLength: 1, maxLength: 5 }),
    room: fc.nat({ max: 3 }),
    lost,
  }),
  reject: fc.record({ do: fc.constant('reject' as const), on, offset: fc.nat({ max: 2 }) }),
  claim: fc.record({ do: fc.constant('claim' as const), on, limit: fc.integer({ min: 1, max: 4 }), oldestFirst: fc.boolean(), lost }),
  open: fc.record({
    do: fc.constant('open' as const),
    pick,
    end: fc.constantFrom('not_sent', 'refused'),
    counts: fc.boolean(),
    lost: seldom,
  }),
  answer: fc.record({ do: fc.constant('answer' as const), pick, lost }),
  finish: fc.record({
    do: fc.constant('finish' as const),
    picks: fc.array(pick, { minLength: 1, maxLength: 3 }),
    end,
    failed: fc.boolean(),
    lost,
  }),
  defer: fc.record({ do: fc.constant('defer' as const), pick, end, later: fc.boolean(), counts: fc.boolean(), lost }),
  hold: fc.record({ do: fc.constant('hold' as const), pick, end, lost }),
  publish: fc.record({ do: fc.constant('publish' as const), on, count: fc.integer({ min: 1, max: 3 }) }),
  sweep: fc.record({ do: fc.constant('sweep' as const), on }),
  age: fc.record({ do: fc.constantFrom('age messages' as const, 'make due' as const) }),
  crash: fc.record({ do: fc.constantFrom('expire', 'expire', 'reap', 'reap', 'renew', 'stop', 'kill'), on }),
}

/** Each line that comes twice comes twice as often. */
export const stepArbitraries: fc.Arbitrary<LedgerStep>[] = [
  steps.accept,
  steps.accept,
  steps.accept,
  steps.reject,
  steps.claim,
  steps.claim,
  steps.claim,
  steps.open,
  steps.open,
  steps.answer,
  steps.answer,
  steps.finish,
  steps.finish,
  steps.defer,
  steps.defer,
  steps.hold,
  steps.publish,
  steps.sweep,
  steps.age,
  steps.age,
  steps.crash,
  steps.crash,
]
