import { Logger } from '@nestjs/common'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ResultEvent } from '#libs/contracts'
import { TaskError, type SendResult } from '#libs/kernel'
import { makeAnswer } from '../factories/answer.factory.js'
import type { SeededRandom } from '../faults/seeded-random.js'
import { HOUR_MS, runOutage, type Outage, type OutageEvidence } from './outage.js'

type BadEnd = Exclude<SendResult, { kind: 'answered' }>

const refuse = (code: TaskError['code'], status: number): BadEnd => ({
  kind: 'refused',
  error: TaskError.unavailable(code, `a ${status}`),
  answer: makeAnswer('', { status }),
})
const SERVER_ERROR = refuse('llm_server_error', 503)
const UNREACHABLE: BadEnd = { kind: 'not_sent', error: TaskError.unavailable('llm_unreachable', 'ECONNREFUSED') }
const RATE_LIMITED = refuse('llm_rate_limited', 429)
const NO_MONEY = refuse('llm_payment_required', 402)
const TIMEOUT: BadEnd = { kind: 'maybe_paid', error: TaskError.unavailable('llm_timeout', 'no answer') }
const ANY = [SERVER_ERROR, UNREACHABLE, RATE_LIMITED, NO_MONEY, TIMEOUT]

const SEEDS = [1, 2, 3]

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
  vi.spyOn(Logger.prototype, 'debug').mockReturnValue()
  vi.spyOn(Logger.prototype, 'error').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** What each task has used up. */
function countUsed({ records, attempts }: OutageEvidence) {
  return records.map(({ taskNumber, end }) => {
    const own = attempts.get(taskNumber) ?? []
    return {
      outcome: end.outcome,
      code: end.error?.code,
      serverErrors: own.filter(({ state, errorCode }) => state === 'refused' && errorCode === 'llm_server_error').length,
      maybePaid: own.filter(({ state }) => state === 'maybe_paid').length,
      answered: own.filter(({ state }) => state === 'answered').length,
    }
  })
}

describe('an outage of hours', { timeout: 120_000 }, () => {
  it.each<[string, Partial<Outage>]>([
    ['the provider cannot be reached', { call: () => UNREACHABLE }],
    ['the provider’s limit is reached', { call: () => RATE_LIMITED }],
    ['the balance is used up', { call: () => NO_MONEY }],
    ['the credentials are refused', { call: () => refuse('llm_auth_failed', 401) }],
    ['the storage is away', { storage: TaskError.unavailable('storage_unavailable', 'away') }],
    // Facts are offered again every few milliseconds: an hour of it takes long to simulate, and nothing changes after the first minutes.
    ['PostgreSQL is away', { ledger: true, forMs: 20 * 60_000 }],
    ['Kafka is away', { topics: true }],
  ])('makes no dead letter, and no call is paid for twice, when %s', async (_, outage) => {
    const evidence = await runOutage({ forMs: 4 * HOUR_MS, ...outage }, 1)
    expect(evidence).toMatchObject({ unended: 0, unpublished: 0 })
    expect(countUsed(evidence).filter(({ outcome, answered }) => outcome !== 'succeeded' || answered !== 1)).toEqual([])
  })

  it('makes a dead letter of a task only when all its attempts have met a server error', async () => {
    const evidence = await runOutage({ call: () => SERVER_ERROR, forMs: 2 * HOUR_MS }, 1)
    expect(evidence.unended).toBe(0)
    expect(new Set(countUsed(evidence).map((used) => JSON.stringify(used)))).toEqual(
      new Set([JSON.stringify({ outcome: 'failed', code: 'max_attempts', serverErrors: 4, maybePaid: 0, answered: 0 })]),
    )
  })

  it('makes a dead letter of a task only when as many calls have timed out as its type allows', async () => {
    const evidence = await runOutage({ call: () => TIMEOUT, forMs: 2 * HOUR_MS }, 1)
    expect(evidence.unended).toBe(0)
    expect(new Set(countUsed(evidence).map((used) => JSON.stringify(used)))).toEqual(
      new Set([JSON.stringify({ outcome: 'failed', code: 'maybe_paid', serverErrors: 0, maybePaid: 2, answered: 0 })]),
    )
  })

  it('ends tasks as expired soon after their deadline, or before it, while their route is closed', async () => {
    const deadlineMs = HOUR_MS / 4
    const evidence = await runOutage({ call: () => UNREACHABLE, forMs: HOUR_MS, deadlineMs }, 1)
    expect(evidence.unended).toBe(0)
    const ends = evidence.records.map(({ end, event }) => {
      const { timings } = JSON.parse(event.toString()) as ResultEvent
      return { outcome: end.outcome, code: end.error?.code, isSoon: Date.parse(timings.finished_at) <= deadlineMs + 5_000 }
    })
    expect(ends).toEqual(ends.map(() => ({ outcome: 'expired', code: 'deadline_exceeded', isSoon: true })))
  })

  it.each(SEEDS)('counts nothing but what was used, whatever mix of errors comes (seed %i)', async (seed) => {
    const evidence = await runOutage({ call: (random: SeededRandom) => random.pick(ANY), forMs: 4 * HOUR_MS }, seed)
    expect(evidence.unended).toBe(0)
    const { maxAttempts, maxMaybePaid } = evidence.type
    const wrong = countUsed(evidence).filter(({ outcome, code, serverErrors, maybePaid }) => {
      if (outcome === 'succeeded') return serverErrors >= maxAttempts || maybePaid > maxMaybePaid
      return code === 'max_attempts' ? serverErrors !== maxAttempts : code !== 'maybe_paid' || maybePaid !== maxMaybePaid + 1
    })
    expect(wrong).toEqual([])
  })
})
