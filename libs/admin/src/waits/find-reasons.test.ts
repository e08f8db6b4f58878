import { describe, expect, it } from 'vitest'
import type { GateReading, KeyHead, LastAttempt, LeaseFacts } from '#libs/kernel'
import { makeWaitFacts, WAIT_NOW } from '../../../../test/factories/wait-facts.factory.js'
import { findReasons } from './find-reasons.js'

const after = (ms: number) => new Date(WAIT_NOW.getTime() + ms)
const FULL: GateReading = {
  gate: 'credential:gigachat',
  name: 'streams gigachat',
  value: 10,
  limit: 10,
  unit: 'streams',
  blocks: true,
  waitMs: null,
  detail: 'all in use',
}
const EMPTY: GateReading = { ...FULL, gate: 'requests:gigachat', name: 'requests per minute gigachat', value: 0.5, limit: 60, waitMs: 500 }
const OPEN: GateReading = { ...FULL, value: 1, blocks: false, waitMs: 0 }
const ALIVE: LeaseFacts = { id: 3, worker: 'host:1', isAlive: true, expiresAt: after(5_000) }
const SENDING: LastAttempt = { number: 1, state: 'sending', openedAt: WAIT_NOW, isOfHolder: true }
const HEAD: KeyHead = { tenant: 'default', taskId: 'head', state: 'pending', runAt: WAIT_NOW, reason: null }

describe(findReasons.name, () => {
  it('finds none where a task is due and its gates let it pass', () => {
    expect(findReasons(makeWaitFacts(), [OPEN])).toEqual([])
  })

  it('names each gate that blocks, with the time at which it opens where that is known', () => {
    expect(findReasons(makeWaitFacts(), [FULL, OPEN, EMPTY])).toEqual([
      { gate: 'streams gigachat', value: 10, limit: 10, unit: 'streams', expectedAt: null, detail: 'all in use' },
      { gate: 'requests per minute gigachat', value: 0.5, limit: 60, unit: 'streams', expectedAt: after(500), detail: 'all in use' },
    ])
  })

  it('names the hold and nothing else where a task is held', () => {
    const facts = makeWaitFacts({ task: { state: 'held', reason: null }, workers: 0 })
    expect(findReasons(facts, [FULL])).toMatchObject([{ gate: 'held by an operator', detail: expect.stringContaining('its type says so') }])
  })

  it('names deferral, missing workers and gates together, what is nearest to the task first', () => {
    const task = { isDue: false, runAt: after(9_000), deferralClass: 'provider_down', deferrals: 3, reason: 'route_closed' } as const
    expect(findReasons(makeWaitFacts({ task, workers: 0 }), [FULL])).toMatchObject([
      { gate: 'run_at', value: 3, unit: 'deferrals in a row', expectedAt: after(9_000), detail: 'deferred as provider_down: route_closed' },
      { gate: 'no worker', value: 0 },
      { gate: 'streams gigachat' },
    ])
  })

  it.each([
    { reason: null, detail: 'an operator or a redrive has given it that time' },
    { reason: 'maybe_paid', detail: 'put off: maybe_paid' },
  ])('says who gave a time that is no deferral (reason: $reason)', ({ reason, detail }) => {
    const facts = makeWaitFacts({ task: { isDue: false, runAt: after(1), reason } })
    expect(findReasons(facts, [])).toEqual([{ gate: 'run_at', value: null, limit: null, unit: null, expectedAt: after(1), detail }])
  })

  it('calls a parked suspect a suspect, whose time nobody knows', () => {
    const task = {
      isDue: false,
      runAt: after(86_400_000),
      suspectSince: after(-1_500),
      deaths: 2,
      crashes: 1,
      deferralClass: 'handover',
    } as const
    expect(findReasons(makeWaitFacts({ task }), [])).toMatchObject([
      { gate: 'suspect', value: 2, expectedAt: null, detail: expect.stringContaining('1500 ms ago, 1 count against it') },
    ])
    expect(findReasons(makeWaitFacts({ task: { ...task, isDue: true } }), [])).toEqual([])
  })

  it.each([
    { keyHead: HEAD, detail: 'head of default must end first: it is pending' },
    {
      keyHead: { ...HEAD, runAt: after(1_000), reason: 'llm_timeout' },
      detail: `head of default must end first: it is pending, put off until ${after(1_000).toISOString()} (llm_timeout)`,
    },
    {
      keyHead: { ...HEAD, state: 'held' as const, reason: 'maybe_paid' },
      detail: 'head of default must end first: it is held (maybe_paid)',
    },
    { keyHead: null, detail: 'its key has just become free: it is being made the next' },
  ])('says which task of its key is before it: $detail', ({ keyHead, detail }) => {
    const facts = makeWaitFacts({ task: { isHead: false }, keyHead, keyBefore: 2 })
    expect(findReasons(facts, [])).toMatchObject([{ gate: 'ordering key', value: 2, detail }])
  })

  it('says that a head whose deadline has passed expires, but not one behind its head', () => {
    const task = { deadline: after(-1) }
    expect(findReasons(makeWaitFacts({ task }), [])).toMatchObject([{ gate: 'deadline' }])
    expect(findReasons(makeWaitFacts({ task: { deadline: after(1) } }), [])).toEqual([])
    expect(findReasons(makeWaitFacts({ task: { ...task, isHead: false }, keyHead: HEAD }), [])).toMatchObject([{ gate: 'ordering key' }])
  })

  it('finds none for a running task whose call is under way, whatever its gates say', () => {
    expect(findReasons(makeWaitFacts({ task: { state: 'running' }, lease: ALIVE, lastAttempt: SENDING }), [FULL])).toEqual([])
  })

  it('names the gates for which a running task waits that has no call', () => {
    const task = { state: 'running' } as const
    expect(findReasons(makeWaitFacts({ task, lease: ALIVE }), [FULL])).toMatchObject([{ gate: 'streams gigachat' }])
    // The attempt of the worker that had it before says nothing of this one.
    const lastAttempt = { ...SENDING, isOfHolder: false }
    expect(findReasons(makeWaitFacts({ task, lease: ALIVE, lastAttempt }), [FULL])).toMatchObject([{ gate: 'streams gigachat' }])
  })

  it.each([
    { workers: 1, lease: { ...ALIVE, isAlive: false }, detail: 'host:1 has not renewed its lease' },
    { workers: 1, lease: { ...ALIVE, isAlive: false }, detail: 'another one takes it over within seconds' },
    { workers: 0, lease: { ...ALIVE, isAlive: false }, detail: 'start one' },
    { workers: 1, lease: null, detail: 'its lease is gone' },
  ])('says that the worker of a running task is silent: $detail', ({ workers, lease, detail }) => {
    const facts = makeWaitFacts({ task: { state: 'running' }, lease, workers, lastAttempt: SENDING })
    expect(findReasons(facts, [])).toMatchObject([{ gate: 'no worker', value: workers, detail: expect.stringContaining(detail) }])
  })
})
