import { readFile } from 'node:fs/promises'
import { waitUntil, type ServiceRig, type WorkerProcess } from '#tools/rig'
import { afterEach, describe, expect, it } from 'vitest'
import { readInterruption, whenDisconnected } from '../faults/interruption.js'
import { checkInvariants } from '../faults/invariants/check-invariants.js'
import { collectEvidence } from '../faults/invariants/evidence.js'
import { ProducerJournal } from '../faults/invariants/journal.js'
import { describeViolations } from '../faults/invariants/violation.js'
import { whenQuiet } from '../faults/quiet.js'
import { SeededRandom } from '../faults/seeded-random.js'
import { TaskMix } from '../faults/task.mix.js'
import { attemptsOf, send, waitForResults } from './exchange.js'
import { INLINE_ANSWER_BYTES, makePrompt, openRig } from './open-rig.js'

const ENV = { TASK_TYPES_DIR: 'test/crash/task-types', MAX_MESSAGE_BYTES: '65536', LLM_MAX_STREAMS: '5' }

function countCalls(rig: ServiceRig, outcome: string): Promise<number> {
  return rig.calls().then((calls) => calls.filter((call) => call.outcome === outcome).length)
}

async function isReady(worker: WorkerProcess): Promise<boolean> {
  const answer = await fetch(`${worker.url}/health/ready`).catch(() => undefined)
  return answer?.ok ?? false
}

describe('Sluice, stopped under load', { timeout: 90_000 }, () => {
  let rig: ServiceRig

  afterEach(() => rig?.close())

  it('ends what runs, repeats nothing, exits with 0, and another replica takes the rest', async () => {
    rig = await openRig('stop', { ...ENV, LEASE_DURATION_MS: '60000' })
    const worker = await rig.startWorker()
    const journal = new ProducerJournal(rig.producer)
    const topic = rig.topics.names.tasks
    const slow = Array.from({ length: 30 }, (_, index) => makePrompt(`slow-${index}`, { latencyMs: 500, priority: 9 }))
    await journal.send(
      slow.map((value, index) => ({ record: { topic, partition: index % 2, value }, fate: { kind: 'task', taskId: value.task_id } })),
    )
    await journal.send(await new TaskMix({ rig, random: new SeededRandom(3), largeAnswerBytes: 2 * INLINE_ANSWER_BYTES }).make(60))
    await waitUntil(async () => (await countCalls(rig, 'open')) === 5, { what: 'all streams to be taken' })
    worker.signal('SIGTERM')
    await waitUntil(async () => !(await isReady(worker)), { what: 'the worker to be unready' })
    const begun = (await rig.calls()).length
    await expect(worker.exited).resolves.toEqual({ code: 0, signal: null })
    expect((await rig.calls()).length - begun).toBeLessThanOrEqual(5)
    // With a lease of a minute, only one that was given back is free at once.
    const caught = await readInterruption(rig)
    expect(caught).toMatchObject({ sending: [], preparing: 0, answered: 0 })
    await rig.startWorker()
    await whenQuiet(rig, journal)
    const evidence = await collectEvidence(rig, {
      acked: journal.acked,
      interrupted: new Set(),
      log: await readFile(rig.logFile, 'utf8'),
    })
    expect(describeViolations(checkInvariants(evidence))).toBe('')
    expect(evidence.ledger.attempts.filter(({ state }) => state === 'maybe_paid')).toEqual([])
  })

  it('aborts its calls at a second signal, and lists them as maybe paid', async () => {
    rig = await openRig('hurry', { ...ENV, KAFKA_GROUP_INSTANCE_ID: 'hurry' })
    const worker = await rig.startWorker()
    const ids = ['long-1', 'long-2', 'long-3']
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs: 15_000 })),
    )
    await waitUntil(async () => (await countCalls(rig, 'open')) === 3, { what: 'the calls' })
    worker.signal('SIGTERM')
    await waitUntil(async () => !(await isReady(worker)), { what: 'the worker to be unready' })
    worker.signal('SIGTERM')
    await expect(worker.exited).resolves.toEqual({ code: 0, signal: null })
    expect(await countCalls(rig, 'client_gone')).toBe(3)
    for (const id of ids) await expect(attemptsOf(rig, id)).resolves.toMatchObject([{ number: 1, state: 'maybe_paid' }])
    await expect(rig.ledger.rows(`SELECT DISTINCT state, lease_id FROM task_queue`)).resolves.toEqual([
      { state: 'pending', lease_id: null },
    ])
    await rig.startWorker()
    await waitForResults(rig, ids)
    await expect(attemptsOf(rig, ids[0]!)).resolves.toMatchObject([{ state: 'maybe_paid' }, { state: 'answered' }])
  })

  it('stops at once when it has nothing to do, and leaves no connection', async () => {
    rig = await openRig('idle-stop', ENV)
    const worker = await rig.startWorker()
    worker.signal('SIGINT')
    await expect(worker.exited).resolves.toEqual({ code: 0, signal: null })
    await whenDisconnected(rig)
    await expect(rig.ledger.rows('SELECT state FROM worker_lease')).resolves.toEqual([{ state: 'released' }])
  })
})
