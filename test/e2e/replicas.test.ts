import { waitUntil, type ServiceRig } from '#tools/rig'
import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { checkInvariants } from '../faults/invariants/check-invariants.js'
import { collectEvidence } from '../faults/invariants/evidence.js'
import { ProducerJournal } from '../faults/invariants/journal.js'
import { describeViolations } from '../faults/invariants/violation.js'
import { whenQuiet } from '../faults/quiet.js'
import { SeededRandom } from '../faults/seeded-random.js'
import { TaskMix } from '../faults/task.mix.js'
import { attemptsOf, callsOf, send, waitForResults } from './exchange.js'
import { makePrompt, openRig, INLINE_ANSWER_BYTES } from './open-rig.js'

const LEASE_MS = 1_000
const ENV = {
  LEASE_DURATION_MS: String(LEASE_MS),
  TASK_TYPES_DIR: 'test/crash/task-types',
  MAX_MESSAGE_BYTES: '65536',
  // Both replicas together: the simulator's limit for one credential.
  LLM_MAX_STREAMS: '5',
}

describe('Sluice, two replicas', { timeout: 90_000 }, () => {
  let rig: ServiceRig

  afterEach(() => rig?.close())

  it('lets one take over what the other held when it was killed', async () => {
    rig = await openRig('two-replicas', ENV)
    const [first] = await Promise.all([rig.startWorker(), rig.startWorker()])
    const journal = new ProducerJournal(rig.producer)
    const mix = new TaskMix({ rig, random: new SeededRandom(7), largeAnswerBytes: 2 * INLINE_ANSWER_BYTES })
    const topic = rig.topics.names.tasks
    const slow = Array.from({ length: 20 }, (_, index) => makePrompt(`slow-${index}`, { latencyMs: 300 }))
    await journal.send(
      slow.map((value, index) => ({ record: { topic, partition: index % 2, value }, fate: { kind: 'task', taskId: value.task_id } })),
    )
    await journal.send(await mix.make(120))
    await waitUntil(async () => (await countRunning(rig)) === 2, { what: 'both replicas to run tasks' })
    await first.kill()
    const interrupted = await waitUntil(() => readSendingOfDead(rig), { what: 'the calls that the dead replica had open' })
    await whenQuiet(rig, journal)
    const evidence = await collectEvidence(rig, {
      acked: journal.acked,
      interrupted: new Set(interrupted),
      log: await readFile(rig.logFile, 'utf8'),
    })
    expect(describeViolations(checkInvariants(evidence))).toBe('')
  })

  it('refuses what a frozen replica wants to change, and keeps its late answer all the same', async () => {
    rig = await openRig('zombie', ENV)
    const zombie = await rig.startWorker()
    await send(rig, [makePrompt('zombie', { latencyMs: 4 * LEASE_MS })])
    await waitUntil(async () => (await callsOf(rig, 'zombie')).length === 1, { what: 'the call' })
    zombie.signal('SIGSTOP')
    const heir = await rig.startWorker()
    // The answer is on its way to the frozen replica while the other one takes its lease and calls again.
    await waitUntil(async () => (await callsOf(rig, 'zombie')).length === 2, { what: 'the call of the heir' })
    await waitUntil(async () => (await callsOf(rig, 'zombie'))[0]!.outcome === 'answered', { what: 'the answer to the frozen replica' })
    zombie.signal('SIGCONT')
    await waitForResults(rig, ['zombie'])
    await waitUntil(async () => (await attemptsOf(rig, 'zombie')).every(({ state }) => state === 'answered'), {
      what: 'both answers to be stored',
    })
    await waitUntil(async () => (await rig.ledger.value<number>('SELECT count(*) FROM outbox')) === 0, { what: 'the outbox to be empty' })
    const results = await rig.results()
    expect(new Set(results.events.map(({ value }) => JSON.stringify(value))).size).toBe(1)
    await expect(rig.ledger.value('SELECT count(*) FROM answer')).resolves.toBe(2)
    await expect(rig.ledger.value('SELECT count(*) FROM run_record')).resolves.toBe(1)
    expect(zombie.isRunning && heir.isRunning).toBe(true)
    // The zombie has a lease again and works on.
    await zombie.whenReady()
    await expect(rig.ledger.value(`SELECT count(*) FROM worker_lease WHERE state = 'held'`)).resolves.toBe(2)
    await expect(rig.ledger.value(`SELECT count(*) FROM worker_lease WHERE state = 'reaped'`)).resolves.toBe(1)
  })

  it('lets a task go that killed its worker again and again: the first death tells nothing, and those that hit it alone do', async () => {
    rig = await openRig('poison', { ...ENV, MAX_CRASHES: '2', KAFKA_GROUP_INSTANCE_ID: 'poison' })
    await send(rig, [makePrompt('poison', { latencyMs: 20_000 }), makePrompt('innocent')])
    for (let crash = 1; crash <= 3; crash++) {
      const worker = await rig.startWorker()
      await waitUntil(async () => (await callsOf(rig, 'poison')).length === crash, { what: `call ${crash}` })
      await worker.kill()
    }
    await rig.startWorker()
    const [poison, innocent] = await waitForResults(rig, ['poison', 'innocent'])
    expect(poison).toMatchObject({ outcome: 'failed', error: { code: 'poison' } })
    expect(innocent).toMatchObject({ outcome: 'succeeded' })
    await expect(callsOf(rig, 'poison')).resolves.toHaveLength(3)
  })
})

describe('Sluice, a poison task', { timeout: 240_000 }, () => {
  let rig: ServiceRig

  afterEach(() => rig?.close())

  it('becomes a dead letter, and all its neighbours succeed', async () => {
    // Types that allow a broken call to be repeated once: a neighbour must not lose two to the poison.
    const { TASK_TYPES_DIR: _, ...env } = ENV
    rig = await openRig('poison-crowd', { ...env, MAX_CRASHES: '1', KAFKA_GROUP_INSTANCE_ID: 'poison-crowd' })
    const innocents = Array.from({ length: 50 }, (__, index) => `innocent-${index}`)
    await send(rig, [makePrompt('poison', { latencyMs: 60_000 }), ...innocents.map((id) => makePrompt(id, { latencyMs: 200 }))])
    for (let death = 1; death <= 2; death++) {
      const worker = await rig.startWorker()
      await waitUntil(async () => (await callsOf(rig, 'poison')).length === death, { what: `call ${death}`, timeoutMs: 60_000 })
      // A suspect before it may not have ended yet: a death that hits both convicts neither.
      if (death > 1) await waitUntil(async () => (await countRunningTasks(rig)) === 1, { what: 'the poison to run alone' })
      await worker.kill()
    }
    await rig.startWorker()
    const [poison, ...others] = await waitForResults(rig, ['poison', ...innocents], 90_000)
    expect(poison).toMatchObject({ outcome: 'failed', error: { code: 'poison' } })
    expect(others.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([])
    await expect(callsOf(rig, 'poison')).resolves.toHaveLength(2)
  })
})

function countRunningTasks({ ledger }: ServiceRig): Promise<number> {
  return ledger.value<number>(`SELECT count(*)::integer FROM task_queue WHERE state = 'running'`)
}

function countRunning({ ledger }: ServiceRig): Promise<number> {
  return ledger.value<number>(`SELECT count(DISTINCT lease_id) FROM task_queue WHERE state = 'running'`)
}

/** The attempts that the reaper has found open, once it has been there. */
async function readSendingOfDead({ ledger }: ServiceRig): Promise<string[] | undefined> {
  const reaped = await ledger.value<number>(`SELECT count(*) FROM worker_lease WHERE state = 'reaped'`)
  if (reaped === 0) return undefined
  const rows = await ledger.rows<{ id: string }>(
    `SELECT id FROM attempt WHERE lease_id IN (SELECT id FROM worker_lease WHERE state = 'reaped') AND state = 'maybe_paid'`,
  )
  return rows.map(({ id }) => id)
}
