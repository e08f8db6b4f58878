import { startOwnSimulator, waitUntil, type ServiceRig } from '#tools/rig'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask, attemptsOf, callsOf, queuedOf, send, waitForDeadLetter, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

describe('Sluice, when the provider fails', () => {
  let rig: ServiceRig
  let simulator: Awaited<ReturnType<typeof startOwnSimulator>>
  let rules: string[] = []

  /** A fault for the calls of one task. */
  const addFault = async (taskId: string, rule: Readonly<Record<string, unknown>>) => {
    rules.push(await rig.addFault({ ...rule, filter: { task: taskId } }))
  }

  beforeAll(async () => {
    simulator = await startOwnSimulator()
    rig = await openRig('provider', {}, { gigachat: simulator.gigachat })
    await rig.startWorker()
  })
  afterEach(async () => {
    for (const id of rules) await rig.simulator.removeFault(id).catch(() => undefined)
    rules = []
  })
  afterAll(async () => {
    await rig?.close()
    await simulator?.stop()
  })

  it('waits at 429 without spending attempts', async () => {
    await addFault('limited', { kind: 'error', status: 429, count: 4, retryAfter: 0 })
    const [result] = await ask(rig, makePrompt('limited'))
    expect(result).toMatchObject({ outcome: 'succeeded', attempts: 1 })
    await expect(attemptsOf(rig, 'limited')).resolves.toMatchObject([
      ...Array.from({ length: 4 }, () => ({ state: 'refused', error_code: 'llm_rate_limited' })),
      { number: 5, state: 'answered' },
    ])
  })

  it('waits as long as Retry-After says', async () => {
    await addFault('patient', { kind: 'error', status: 429, count: 1, retryAfter: 1 })
    await ask(rig, makePrompt('patient'))
    const [first, second] = await callsOf(rig, 'patient')
    expect(Date.parse(second!.time) - Date.parse(first!.time)).toBeGreaterThanOrEqual(1_000)
  })

  it('tries again after 500, and succeeds within its attempts', async () => {
    await addFault('shaky', { kind: 'error', status: 500, count: 2 })
    const [result] = await ask(rig, makePrompt('shaky'))
    expect(result).toMatchObject({ outcome: 'succeeded', attempts: 3 })
  })

  it('fails after its last attempt, and the dead letter says why', async () => {
    await addFault('broken', { kind: 'error', status: 500 })
    const [result] = await ask(rig, makePrompt('broken'))
    expect(result).toMatchObject({ outcome: 'failed', attempts: 3, error: { code: 'max_attempts' } })
    await expect(callsOf(rig, 'broken')).resolves.toHaveLength(3)
    const letter = await waitForDeadLetter(rig, ({ task_id: id }) => id === 'broken', 'the dead letter')
    expect(letter.error.causes.join(' ')).toMatch(/500|llm_server_error/)
  })

  it('fails at once where trying again cannot help', async () => {
    await addFault('refused', { kind: 'error', status: 400 })
    const [result] = await ask(rig, makePrompt('refused'))
    expect(result).toMatchObject({ outcome: 'failed', attempts: 1, error: { code: 'llm_bad_request' } })
    await expect(callsOf(rig, 'refused')).resolves.toHaveLength(1)
  })

  it('takes a new token and sends again at once when tokens were revoked', async () => {
    await ask(rig, makePrompt('before-revoke'))
    await rig.simulator.revokeTokens()
    const ids = ['revoked-1', 'revoked-2', 'revoked-3']
    const results = await ask(rig, ...ids.map((id) => makePrompt(id)))
    expect(results.map(({ outcome, attempts }) => [outcome, attempts])).toEqual(ids.map(() => ['succeeded', 1]))
    const states = (await Promise.all(ids.map((id) => attemptsOf(rig, id)))).flat()
    expect(states.filter(({ state }) => state === 'refused').every(({ error_code: code }) => code === 'llm_unauthorized')).toBe(true)
    expect(states.some(({ state, counted }) => state === 'answered' && !counted)).toBe(true)
    const tokens = (await rig.simulator.bill()).filter(({ path }) => path.endsWith('/oauth'))
    expect(tokens).toHaveLength(2)
  })

  it('calls once more when an answer was lost, and lists the first call as maybe paid', async () => {
    await addFault('lost', { kind: 'drop', where: 'after_processing', count: 1 })
    const [result] = await ask(rig, makePrompt('lost'))
    expect(result).toMatchObject({ outcome: 'succeeded' })
    await expect(attemptsOf(rig, 'lost')).resolves.toMatchObject([{ state: 'maybe_paid' }, { state: 'answered' }])
    expect((await callsOf(rig, 'lost')).map(({ paid }) => paid)).toEqual([true, true])
  })

  it('calls no more than once more', async () => {
    await addFault('lost-often', { kind: 'drop', where: 'after_processing' })
    const [result] = await ask(rig, makePrompt('lost-often'))
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'maybe_paid' } })
    await expect(callsOf(rig, 'lost-often')).resolves.toHaveLength(2)
  })

  it('holds a task for an operator where its type says so', async () => {
    await addFault('held', { kind: 'drop', where: 'after_processing' })
    await send(rig, [makePrompt('held', { type: 'held' })])
    await waitUntil(async () => (await queuedOf(rig, 'held'))?.state === 'held', { what: 'the task to be held' })
    await expect(queuedOf(rig, 'held')).resolves.toMatchObject({ reason: 'maybe_paid', maybe_paid: 1 })
    await expect(callsOf(rig, 'held')).resolves.toHaveLength(1)
  })

  it('fails a task where its type says so, or the task itself', async () => {
    await addFault('type-fails', { kind: 'drop', where: 'after_processing' })
    await addFault('task-fails', { kind: 'drop', where: 'mid_body' })
    const results = await ask(rig, makePrompt('type-fails', { type: 'failed' }), makePrompt('task-fails', { on_maybe_paid: 'fail' }))
    expect(results.map(({ error }) => error?.code)).toEqual(['maybe_paid', 'maybe_paid'])
    await expect(callsOf(rig, 'type-fails')).resolves.toHaveLength(1)
    await expect(callsOf(rig, 'task-fails')).resolves.toHaveLength(1)
  })

  it('keeps the text that had come when a stream breaks', async () => {
    await addFault('cut-stream', { kind: 'stream_error', afterEvents: 2, count: 1 })
    const [result] = await ask(rig, makePrompt('cut-stream', { type: 'streamed' }))
    expect(result).toMatchObject({ outcome: 'succeeded' })
    const [row] = await rig.ledger.rows<{ excerpt: string }>(
      `SELECT a.excerpt FROM attempt a JOIN task t ON t.id = a.task_number WHERE t.task_id = 'cut-stream' AND a.number = 1`,
    )
    expect(row!.excerpt.length).toBeGreaterThan(0)
  })

  it('does not call again for an answer that is not what was asked for', async () => {
    await addFault('empty', { kind: 'empty_choices' })
    await addFault('truncated', { kind: 'truncated_json' })
    await addFault('odd', { kind: 'finish_reason', value: 'st\0p' })
    const [empty, truncated, odd] = await ask(rig, makePrompt('empty'), makePrompt('truncated'), makePrompt('odd'))
    expect(empty).toMatchObject({ outcome: 'failed', error: { code: 'answer_empty' } })
    expect(truncated).toMatchObject({ outcome: 'failed', error: { code: 'llm_bad_response' } })
    expect(odd).toMatchObject({ outcome: 'succeeded', finish_reason: 'st\0p' })
    for (const id of ['empty', 'truncated', 'odd']) await expect(callsOf(rig, id)).resolves.toHaveLength(1)
  })

  it('waits while the provider cannot be reached, and spends no attempt', async () => {
    const server = simulator.server('simulator')
    await server.kill()
    await send(rig, [makePrompt('offline')])
    await waitUntil(async () => (await attemptsOf(rig, 'offline')).length >= 2, { what: 'two tries' })
    await server.start()
    const [result] = await waitForResults(rig, ['offline'])
    expect(result).toMatchObject({ outcome: 'succeeded', attempts: 1 })
    const tries = (await attemptsOf(rig, 'offline')).slice(0, -1)
    // Its first try after the outage may still use a token that the restarted provider does not know.
    const unsent = tries.filter(({ error_code: code }) => code !== 'llm_unauthorized')
    expect(unsent.length).toBeGreaterThanOrEqual(2)
    expect(unsent.filter(({ state }) => state !== 'not_sent')).toEqual([])
  })
})
