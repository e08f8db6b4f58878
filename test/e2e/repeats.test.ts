import { waitUntil, type ServiceRig } from '#tools/rig'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, attemptsOf, callsOf, send, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

describe('Sluice, deliveries that come again', () => {
  let rig: ServiceRig

  beforeAll(async () => {
    rig = await openRig('repeats')
    await rig.startWorker()
  })
  afterAll(() => rig?.close())

  it('publishes a result again, with the same id and the same bytes, when its task is sent again', async () => {
    const task = makePrompt('resent')
    await ask(rig, task)
    await send(rig, [task])
    const collector = await rig.results()
    const find = () => collector.events.filter(({ value }) => value.task_id === 'resent')
    await collector.waitFor(() => find().length === 2, { what: 'the result once more' })
    const [first, second] = find()
    expect(second!.value).toEqual(first!.value)
    expect(JSON.stringify(second!.value)).toBe(JSON.stringify(first!.value))
    expect(second!.headers.get('event-id')).toBe(first!.headers.get('event-id'))
    await expect(callsOf(rig, 'resent')).resolves.toHaveLength(1)
  })

  it('publishes one result when a task is sent again before it has ended', async () => {
    const task = makePrompt('eager', { latencyMs: 400 })
    await send(rig, [task, task, task])
    await waitForResults(rig, ['eager'])
    await ask(rig, makePrompt('after-eager'))
    const collector = await rig.results()
    expect(collector.events.filter(({ value }) => value.task_id === 'eager')).toHaveLength(1)
    await expect(callsOf(rig, 'eager')).resolves.toHaveLength(1)
  })

  it('publishes nothing twice when Kafka delivers the same records again', async () => {
    const ids = ['again-1', 'again-2', 'again-3']
    await ask(rig, ...ids.map((id) => makePrompt(id)))
    const worker = await rewindAndRestart(rig)
    await waitUntil(async () => (await rig.topics.committed([0]))[0]?.offset === (await endOf(rig)), {
      what: 'everything to be read again',
    })
    await ask(rig, makePrompt('after-again'))
    const collector = await rig.results()
    for (const id of ids) expect(collector.events.filter(({ value }) => value.task_id === id)).toHaveLength(1)
    expect(worker.isRunning).toBe(true)
  })

  it('runs the tasks of a key one after the other, in order, and numbers their results', async () => {
    const keys = ['a', 'b']
    const tasks = keys.flatMap((key) => [1, 2, 3, 4].map((number) => ({ key, id: `${key}-${number}` })))
    await rig.producer.send(
      tasks.map(({ key, id }, index) => ({
        topic: rig.topics.names.tasks,
        partition: 0,
        key,
        // The first ones are the slowest: without order the others would overtake them.
        value: makePrompt(id, { type: 'ordered', latencyMs: 200 - 40 * (index % 4) }),
      })),
    )
    const results = await waitForResults(
      rig,
      tasks.map(({ id }) => id),
    )
    expect(results.map(({ key_sequence: sequence }) => sequence)).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
    for (const key of keys) {
      const calls = (await rig.calls()).filter((call) => call.tasks[0]?.startsWith(`${key}-`))
      expect(calls.map((call) => call.tasks[0])).toEqual([1, 2, 3, 4].map((number) => `${key}-${number}`))
      const overlaps = calls.slice(1).filter((call, index) => Date.parse(call.time) < endOfCall(calls[index]!))
      expect(overlaps).toEqual([])
    }
  })

  it('lets a key go on behind a task that failed', async () => {
    await rig.producer.send([
      {
        topic: rig.topics.names.tasks,
        partition: 0,
        key: 'k',
        value: makePrompt('bad-head', { type: 'ordered', files: [{ key: 'inputs/none' }] }),
      },
      { topic: rig.topics.names.tasks, partition: 0, key: 'k', value: makePrompt('good-next', { type: 'ordered' }) },
    ])
    const [head, next] = await waitForResults(rig, ['bad-head', 'good-next'])
    expect(head).toMatchObject({ outcome: 'failed', key_sequence: 1 })
    expect(next).toMatchObject({ outcome: 'succeeded', key_sequence: 2 })
  })

  it('expires a task whose deadline has passed, without a call', async () => {
    const [result] = await ask(rig, makePrompt('late', { deadline: '2020-01-01T00:00:00Z' }))
    expect(result).toMatchObject({ outcome: 'expired', error: { code: 'deadline_exceeded' } })
    await expect(callsOf(rig, 'late')).resolves.toEqual([])
    await expect(attemptsOf(rig, 'late')).resolves.toMatchObject([{ state: 'not_sent' }])
    const letters = await rig.deadLetters()
    expect(letters.events.filter(({ value }) => value.task_id === 'late')).toEqual([])
  })

  it('takes higher priorities first, but now and then the oldest', async () => {
    // Their streams come free one by one, so that each claim has room for one task.
    const blocker = Array.from({ length: 10 }, (_, index) => makePrompt(`blocker-${index}`, { latencyMs: 500 + index * 100 }))
    await send(rig, blocker)
    await waitUntil(async () => (await rig.calls()).filter(({ tasks }) => tasks[0]?.startsWith('blocker')).length === 10, {
      what: 'all streams to be taken',
    })
    const waiting = [0, 1, 5, 9].flatMap((priority) =>
      [1, 2, 3].map((number) => makePrompt(`p${priority}-${number}`, { priority, latencyMs: 2_000 })),
    )
    await send(rig, waiting)
    await waitForResults(
      rig,
      waiting.map(({ task_id: id }) => id),
    )
    const order = (await rig.calls()).map(({ tasks }) => tasks[0]!).filter((id) => /^p\d-/.test(id))
    expect(order.slice(0, 6).filter((id) => id.startsWith('p0') || id.startsWith('p1')).length).toBeLessThanOrEqual(1)
  })
})

function endOfCall({ time, duration_ms: duration }: { time: string; duration_ms: number | null }): number {
  return Date.parse(time) + (duration ?? 0)
}

async function endOf(rig: ServiceRig): Promise<bigint> {
  const [end] = await rig.topics.ends([0])
  return end!.offset
}

/** Makes Kafka forget what the group has read, as after the loss of its offsets, and starts a worker that reads it all again. */
async function rewindAndRestart(rig: ServiceRig) {
  await rig.stopWorkers()
  await rig.topics.rewind([0, 1])
  return rig.startWorker()
}
