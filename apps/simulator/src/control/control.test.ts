import { describe, expect, it } from 'vitest'
import { openSimulator } from '../testing/open-simulator.js'

describe('control API', () => {
  it('tells that it is there', async () => {
    const simulator = await openSimulator()

    expect(await simulator.control('GET', '/health')).toEqual({ status: 'ok' })
  })

  it('changes a part of the settings and keeps the rest', async () => {
    const simulator = await openSimulator({ seed: 5 })

    const changed = await simulator.control('PUT', '/settings', {
      latency: { kind: 'uniform', minMs: 1, maxMs: 2 },
      streams: { GIGACHAT_API_PERS: 7 },
    })

    expect(changed).toMatchObject({
      seed: 5,
      latency: { kind: 'uniform', minMs: 1, maxMs: 2 },
      streams: { GIGACHAT_API_PERS: 7, GIGACHAT_API_B2B: 10 },
    })
    expect(await simulator.control('GET', '/settings')).toEqual(changed)
  })

  it.each([
    ['an unknown setting', 'PUT', '/settings', { typo: 1 }, /Unrecognized key.*typo/],
    ['a wrong value', 'PUT', '/settings', { latency: { kind: 'fixed', ms: -1 } }, /latency\.ms/],
    ['an unknown fault', 'POST', '/faults', { kind: 'fire' }, /kind/],
    ['a fault with a typo', 'POST', '/faults', { kind: 'html', propability: 1 }, /propability/],
    ['a pattern that is no regular expression', 'POST', '/faults', { kind: 'html', filter: { prompt: '(' } }, /regular expression/],
    ['the removal of an unknown fault', 'DELETE', '/faults?id=x', undefined, /no such fault rule: x/],
    ['an unknown call', 'POST', '/explode', undefined, /no such control call: POST \/explode/],
  ])('refuses %s and says why', async (_name, method, path, body, reason) => {
    const simulator = await openSimulator()

    await expect(simulator.control(method, path, body)).rejects.toThrow(reason)
  })

  it('lists, replaces and deletes fault rules', async () => {
    const simulator = await openSimulator()
    expect(await simulator.control('POST', '/faults', [{ kind: 'html' }, { kind: 'no_done', id: 'mine' }])).toEqual({
      ids: ['fault-1', 'mine'],
    })

    await simulator.chat('hello')

    expect(await simulator.control('GET', '/faults')).toMatchObject([
      { id: 'fault-1', kind: 'html', hits: 1, left: null },
      { id: 'mine', hits: 0 },
    ])
    await simulator.control('DELETE', '/faults?id=fault-1')
    expect(await simulator.control('GET', '/faults')).toHaveLength(1)
    await simulator.control('DELETE', '/faults')
    expect(await simulator.control('GET', '/faults')).toEqual([])
  })

  it('resets all but the tokens', async () => {
    const simulator = await openSimulator({ latency: { kind: 'fixed', ms: 1 } })
    const token = await simulator.token()
    await simulator.settings({ latency: { kind: 'fixed', ms: 9 } })
    await simulator.fault({ kind: 'html' })
    await simulator.chat('hello', {}, { token })

    await simulator.control('POST', '/reset')

    expect(await simulator.control('GET', '/settings')).toMatchObject({ latency: { ms: 1 } })
    expect(await simulator.summary()).toMatchObject({ calls: 0, by_status: {} })
    expect((await simulator.chat('hello', {}, { token })).status).toBe(200)
  })
})

describe('bill', () => {
  it('shows every call with its attempt, tasks, model and tokens', async () => {
    const simulator = await openSimulator()

    await simulator.chat('[[task:a]] [[task:b]] hello', { stream: true }, { headers: { 'X-Request-ID': 'attempt-7' } })

    expect(await simulator.bill()).toEqual([
      {
        sequence: 2,
        time: expect.stringMatching(/Z$/) as string,
        duration_ms: expect.any(Number) as number,
        method: 'POST',
        path: '/api/v1/chat/completions',
        credential: 'client',
        attempt_id: 'attempt-7',
        tasks: ['a', 'b'],
        model: 'GigaChat-2',
        status: 200,
        outcome: 'answered',
        paid: true,
        prompt_tokens: 9,
        completion_tokens: 16,
        stream: true,
        fault: null,
      },
    ])
  })

  it('is read page by page', async () => {
    const simulator = await openSimulator()
    const token = await simulator.token()
    for (let call = 0; call < 5; call++) await simulator.chat('x', {}, { token })

    const page = await fetch(`${simulator.url}/__sim/bill?since=1&limit=3`)

    expect([page.headers.get('x-sim-next-since'), page.headers.get('x-sim-more')]).toEqual(['4', 'true'])
    expect((await page.text()).trimEnd().split('\n')).toHaveLength(3)
    const rest = await fetch(`${simulator.url}/__sim/bill?since=4&limit=3`)
    expect([rest.headers.get('x-sim-next-since'), rest.headers.get('x-sim-more')]).toEqual(['6', 'false'])
  })

  it('is summed up by task', async () => {
    const simulator = await openSimulator()
    await simulator.chat('[[task:a]]')
    await simulator.fault({ kind: 'error', status: 500, count: 1 })
    await simulator.chat('[[task:a]]')
    await simulator.chat('[[task:b]]')

    expect(await simulator.summary()).toMatchObject({
      calls: 6,
      paid: 2,
      oauth_calls: 3,
      by_status: { 200: 5, 500: 1 },
      by_outcome: { answered: 5, refused: 1 },
      max_streams: 1,
      leaked_streams: 0,
      by_task: { a: { calls: 2, paid: 1 }, b: { calls: 1, paid: 1 } },
      forgotten: 0,
    })
  })

  it('may be summed up without the tasks, of which there can be very many', async () => {
    const simulator = await openSimulator()
    await simulator.chat('[[task:a]]')

    expect(await simulator.control('GET', '/bill/summary?by_task=false')).not.toHaveProperty('by_task')
  })

  it('is emptied', async () => {
    const simulator = await openSimulator()
    await simulator.chat('x')

    await simulator.control('DELETE', '/bill')

    expect(await simulator.bill()).toEqual([])
    expect(await simulator.summary()).toMatchObject({ calls: 0, last_sequence: 2 })
  })
})
