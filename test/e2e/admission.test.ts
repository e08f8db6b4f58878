import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startOwnSimulator, waitUntil, type BilledCall, type ServiceRig, type WorkerProcess } from '#tools/rig'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { BreakerHistory } from './breaker.history.js'
import { send, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'
import { StreamUsage } from '../faults/bars/stream.usage.js'

const STREAMS = 10
/** More processes than cores wait already, as on CI: what is measured then is the machine. */
const IS_BUSY = process.env.CI !== undefined || loadavg()[0]! > availableParallelism()
const LIMITS = IS_BUSY ? { use: 0.8, backAfterMs: 15_000, waitMs: 5_000 } : { use: 0.95, backAfterMs: 15_000, waitMs: 2_000 }

/** A retried test must not send the tasks of its first try again. */
function makeIds(name: string, count: number): string[] {
  const run = randomUUID().slice(0, 8)
  return Array.from({ length: count }, (_, index) => `${name}-${run}-${index}`)
}

/** All at once: on a machine with few cores that takes each of them longer. */
async function startWorkers(rig: ServiceRig, count: number): Promise<WorkerProcess[]> {
  const workers = await Promise.all(Array.from({ length: count }, () => rig.launchWorker()))
  await Promise.all(workers.map((worker) => worker.whenReady(90_000)))
  return workers
}

interface CredentialStreams {
  readonly credential: string
  readonly in_use: number
  readonly max: number
  readonly refused: number
}

async function readStreams(rig: ServiceRig): Promise<CredentialStreams> {
  const { streams } = (await rig.simulator.request('GET', 'bill/summary?by_task=false')) as { streams: CredentialStreams[] }
  return streams.find(({ credential }) => credential === rig.credential)!
}

async function callsFor(rig: ServiceRig, ids: readonly string[]): Promise<BilledCall[]> {
  const wanted = new Set(ids)
  return (await rig.calls()).filter(({ tasks }) => tasks.some((id) => wanted.has(id)))
}

async function expectAllSucceeded(rig: ServiceRig, ids: readonly string[], timeoutMs: number): Promise<void> {
  const results = await waitForResults(rig, ids, timeoutMs)
  expect(results.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([])
  await expect(rig.ledger.rows(`SELECT outcome, error_code FROM run_record WHERE outcome <> 'succeeded'`)).resolves.toEqual([])
}

describe('Sluice, four replicas on one credential', { timeout: 90_000 }, () => {
  let rig: ServiceRig
  let simulator: Awaited<ReturnType<typeof startOwnSimulator>>
  let workers: WorkerProcess[]

  beforeAll(async () => {
    simulator = await startOwnSimulator()
    const env = { LLM_MAX_STREAMS: String(STREAMS), LLM_BREAKER_FAILURES: '5', LLM_BREAKER_OPEN_MS: '500', LLM_BREAKER_MAX_OPEN_MS: '4000' }
    rig = await openRig('admission', env, { gigachat: simulator.gigachat })
    workers = await startWorkers(rig, 4)
  }, 120_000)
  afterAll(async () => {
    await rig?.close()
    await simulator?.stop()
  })

  it('uses all streams and never more, and those of a killed replica again after a while', async () => {
    const ids = makeIds('stream', 270)
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs: 1_000 })),
    )
    await waitUntil(async () => (await callsFor(rig, ids)).length >= 7 * STREAMS, { what: 'some rounds of calls' })
    const killedAtMs = Date.now()
    await workers.pop()!.kill()
    await expectAllSucceeded(rig, ids, 60_000)
    const usage = new StreamUsage(await callsFor(rig, ids))
    const before = { startMs: usage.firstStartMs + 2_000, endMs: killedAtMs }
    const after = { startMs: killedAtMs + LIMITS.backAfterMs, endMs: usage.lastStartMs }
    expect({ max: (await readStreams(rig)).max, refused: (await readStreams(rig)).refused }).toEqual({ max: STREAMS, refused: 0 })
    expect(after.endMs - after.startMs).toBeGreaterThan(3_000)
    expect(usage.mean(before) / STREAMS).toBeGreaterThanOrEqual(LIMITS.use)
    expect(usage.mean(after) / STREAMS).toBeGreaterThanOrEqual(LIMITS.use)
    expect(usage.most(after)).toBe(STREAMS)
  })

  it('sends one probe at a time while a model answers with errors of its own, and all tasks succeed after that', async () => {
    const history = await BreakerHistory.start(rig.ledger)
    const fault = await rig.addFault({ kind: 'error', status: 503 })
    const ids = makeIds('away', 40)
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs: 100 })),
    )
    await waitUntil(async () => (await history.countProbes()) >= 3, { what: 'three probes in vain' })
    await rig.simulator.removeFault(fault)
    await expectAllSucceeded(rig, ids, 30_000)
    await expectOneProbeEach(history)
    // Two rounds of calls at most before the route had opened, and the probes.
    const refused = (await callsFor(rig, ids)).filter(({ status }) => status === 503)
    expect(refused.length).toBeLessThanOrEqual(2 * STREAMS + (await history.countProbes()))
  })

  it('does so while nobody listens, and spends no attempt', async () => {
    const history = await BreakerHistory.start(rig.ledger)
    const server = simulator.server('simulator')
    await server.kill()
    const ids = makeIds('offline', 40)
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs: 100 })),
    )
    await waitUntil(async () => (await history.countProbes()) >= 3, { what: 'three probes in vain' })
    await server.start()
    await expectAllSucceeded(rig, ids, 30_000)
    await expectOneProbeEach(history)
    const results = await waitForResults(rig, ids)
    expect(results.filter(({ attempts }) => attempts !== 1)).toEqual([])
  })
})

/** Over all replicas: nothing is sent while the route is open, and one call for each time that it is half open. */
async function expectOneProbeEach(history: BreakerHistory): Promise<void> {
  await waitUntil(async () => (await history.readPeriods()).at(-1)?.status === 'half_open', { what: 'the route to close' })
  const periods = await history.readPeriods()
  const probes = periods.filter(({ status }) => status === 'half_open')
  expect(periods.filter(({ status, attempts }) => status === 'open' && attempts > 0)).toEqual([])
  expect(probes.filter(({ wasReturned, attempts }) => attempts !== (wasReturned ? 0 : 1))).toEqual([])
  expect(probes.filter(({ wasReturned }) => !wasReturned).length).toBeGreaterThanOrEqual(4)
}

describe('Sluice, tenants and models on one credential', { timeout: 60_000 }, () => {
  let rig: ServiceRig
  let folder: string
  let faults: string[] = []
  const PRO = 'GigaChat-2-Pro'

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limits-'))
    const [limits, tenants] = [join(folder, 'limits.yaml'), join(folder, 'tenants.yaml')]
    await writeFile(limits, `credentials:\n  gigachat:\n    max_streams: ${STREAMS}\n    models:\n      ${PRO}: { max_streams: 2 }\n`)
    await writeFile(tenants, 'tenants: { busy: {}, quiet: {} }\ntopics: { "*": [busy, quiet] }\n')
    rig = await openRig('tenants', {
      LIMITS_FILE: limits,
      TENANTS_FILE: tenants,
      LLM_UNPAID_OPEN_MS: '1000',
      LLM_UNPAID_MAX_OPEN_MS: '2000',
      LLM_STREAMS_RAISE_INTERVAL_MS: '500',
    })
    await startWorkers(rig, 2)
  }, 120_000)
  afterEach(async () => {
    for (const id of faults) await rig.simulator.removeFault(id)
    faults = []
    await rig.simulator.set({ streams: { credentials: { [rig.credential]: null } } })
  })
  afterAll(async () => {
    await rig?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = (ids: readonly string[], fields: Parameters<typeof makePrompt>[1]) =>
    send(
      rig,
      ids.map((id) => makePrompt(id, { tenant: 'busy', ...fields })),
    )

  it('parks the tasks of a model that is not paid for, lets others go on, and resumes by itself', async () => {
    faults.push(await rig.addFault({ kind: 'error', status: 402, filter: { model: PRO } }))
    const [unpaid, others] = [makeIds('unpaid', 20), makeIds('paid', 30)]
    await ask(unpaid, { model: PRO })
    await waitUntil(async () => (await callsFor(rig, unpaid)).length > 0, { what: 'a call that is refused' })
    await ask(others, { latencyMs: 100 })
    await expectAllSucceeded(rig, others, 10_000)
    await waitUntil(async () => (await rig.ledger.value<number>('SELECT open_ms FROM route_breaker')) === 2_000, {
      what: 'a probe in vain',
    })
    // Those that were under way when the first was refused, and the probes.
    expect((await callsFor(rig, unpaid)).length).toBeLessThanOrEqual(5)
    await rig.simulator.removeFault(faults.pop()!)
    await expectAllSucceeded(rig, unpaid, 15_000)
    const results = await waitForResults(rig, unpaid)
    expect(results.filter(({ attempts }) => attempts !== 1)).toEqual([])
  })

  it('goes down to what the provider bears, and back up when it bears more', async () => {
    const bears = 4
    await rig.simulator.set({ streams: { credentials: { [rig.credential]: bears } } })
    const before = await readStreams(rig)
    const [few, many] = [makeIds('few', 60), makeIds('many', 120)]
    await ask(few, { latencyMs: 400 })
    await expectAllSucceeded(rig, few, 30_000)
    const refused = (await readStreams(rig)).refused - before.refused
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(30)
    const limit = await rig.ledger.value<number>(`SELECT adaptive_limit FROM stream_gate WHERE gate = 'credential:gigachat'`)
    expect(limit).toBeLessThanOrEqual(bears + 2)
    await rig.simulator.set({ streams: { credentials: { [rig.credential]: null } } })
    const raisedAtMs = Date.now()
    await ask(many, { latencyMs: 400 })
    await expectAllSucceeded(rig, many, 30_000)
    const usage = new StreamUsage(await callsFor(rig, many))
    expect(usage.most({ startMs: raisedAtMs, endMs: usage.lastStartMs })).toBe(STREAMS)
    expect((await readStreams(rig)).refused - before.refused).toBe(refused)
  })

  it('does not let a slow model keep a fast one waiting', async () => {
    const [slow, fast] = [makeIds('slow', 6), makeIds('fast', 40)]
    await ask(slow, { model: PRO, latencyMs: 30_000 })
    await waitUntil(async () => (await callsFor(rig, slow)).length === 2, { what: 'both streams of the slow model to be in use' })
    const sentAtMs = Date.now()
    await ask(fast, { latencyMs: 500 })
    await expectAllSucceeded(rig, fast, 15_000)
    const tookMs = Date.now() - sentAtMs
    // 40 calls of half a second on the eight streams that are left take 2.5 s.
    expect(tookMs).toBeLessThan(2 * LIMITS.waitMs + 2_500)
    expect((await callsFor(rig, slow)).map(({ outcome }) => outcome)).toEqual(['open', 'open'])
  })

  it('lets the few tasks of a quiet tenant start soon beside the many of a busy one', async () => {
    const [busy, quiet] = [makeIds('busy', 400), makeIds('quiet', 20)]
    await ask(busy, { latencyMs: 1_000 })
    await waitUntil(async () => (await callsFor(rig, busy)).length >= 8, { what: 'the busy tenant to have all streams' })
    for (const id of quiet) {
      await send(rig, [makePrompt(id, { tenant: 'quiet', latencyMs: 1_000 })])
      await delay(300)
    }
    await waitForResults(rig, quiet, 20_000)
    const waits = await readWaits(rig, quiet)
    const p95 = waits[Math.ceil(waits.length * 0.95) - 1]!
    expect(p95).toBeLessThanOrEqual(LIMITS.waitMs)
    // The busy one has the rest.
    expect(await rig.ledger.value<number>(`SELECT count(*) FROM task_queue WHERE tenant = 'busy' AND state = 'pending'`)).toBeGreaterThan(
      200,
    )
  })
})

/** From accept to the start of the call, in milliseconds, in ascending order. */
async function readWaits(rig: ServiceRig, ids: readonly string[]): Promise<number[]> {
  const accepted = await rig.ledger.rows<{ task_id: string; accepted_at: Date }>(
    'SELECT task_id, accepted_at FROM task WHERE task_id = ANY($1)',
    [ids],
  )
  const acceptedAt = new Map(accepted.map(({ task_id: id, accepted_at: at }) => [id, at.getTime()]))
  const calls = await callsFor(rig, ids)
  return calls.map(({ time, tasks }) => Date.parse(time) - acceptedAt.get(tasks[0]!)!).toSorted((a, b) => a - b)
}
