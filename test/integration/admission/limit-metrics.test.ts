import { Gauge, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { LimitMeter } from '../../../libs/admission/src/gates/limit.meter.js'
import { LimitWatch } from '../../../libs/admission/src/gates/limit.watch.js'
import { AdmissionEvents } from '#libs/admission'
import { PostgresLimitReads } from '../../../libs/db/src/admission/postgres-limit-reads.js'
import { openWaitRig, type WaitRig } from '../admin/wait.rig.js'

/** What a replica of the rig shows on /metrics, of its limits. */
function openMetrics({ worker }: WaitRig) {
  const { limits, laneGates: gates } = worker.parts
  const watch = new LimitWatch({
    reads: new PostgresLimitReads(worker.pool),
    limits,
    gates,
    events: new AdmissionEvents(),
    patienceMs: 5_000,
  })
  const registry = new Registry()
  const gauge = <T extends string>(name: string, ...labelNames: T[]) => new Gauge({ name, help: name, labelNames, registers: [registry] })
  const meter = new LimitMeter(
    watch,
    gauge('value', 'gate', 'counts'),
    gauge('limit', 'gate'),
    gauge('lanes', 'gate'),
    gauge('tasks', 'gate'),
  )
  expect(meter).toBeInstanceOf(LimitMeter)
  return async () => (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

describe(LimitMeter.name, () => {
  it('shows every meter of LIMITS_FILE, also one that nobody has used', async () => {
    const rig = await openWaitRig({
      limits: `
credentials: { gigachat: { requests_per_minute: 120, models: { GigaChat-2: { tokens_per_minute: 1200000 } } } }
tenants: { default: { budget: { tokens_per_day: 5000 } }, other: { budget: { money_per_day: 7 } } }`,
    })
    const read = openMetrics(rig)
    await rig.accept({ taskId: 'a' })
    await rig.worker.claim()
    const lines = await read()
    expect(lines).toEqual(
      expect.arrayContaining([
        'value{gate="budget_tokens:default",counts="spent"} 1100',
        'value{gate="budget_money:other",counts="spent"} 0',
        'limit{gate="requests:gigachat"} 120',
        'limit{gate="tokens:gigachat/GigaChat-2"} 1200000',
        'limit{gate="budget_tokens:default"} 5000',
        'limit{gate="budget_money:other"} 7',
        expect.stringMatching(/^value\{gate="requests:gigachat",counts="free"\} (9(\.\d+)?|10)$/),
      ]),
    )
    expect(lines.filter((line) => line.startsWith('tasks') || line.startsWith('lanes'))).toEqual([])
  })

  it('counts the lanes and due tasks that a gate holds back, until it does not', async () => {
    const rig = await openWaitRig({ limits: 'tenants: { default: { max_streams: 1 } }' })
    const read = openMetrics(rig)
    for (const taskId of ['a', 'b', 'c']) await rig.accept({ taskId })
    await rig.accept({ taskId: 'max', model: 'GigaChat-2-Max' })
    const [first] = await rig.worker.claim(1)
    const blocked = async () => (await read()).filter((line) => /^(tasks|lanes)/.test(line))
    await expect(blocked()).resolves.toEqual(['lanes{gate="tenant:default"} 2', 'tasks{gate="tenant:default"} 3'])
    await rig.worker.end(first!)
    await expect(blocked()).resolves.toEqual([])
    const route = { provider: 'gigachat', model: 'GigaChat-2-Max' }
    await rig.worker.store.reportFailure({ ...route, failures: 1, reason: 'llm_timeout', threshold: 1, openMs: 60_000, maxOpenMs: 60_000 })
    await expect(blocked()).resolves.toEqual([
      'lanes{gate="breaker:gigachat/GigaChat-2-Max"} 1',
      'tasks{gate="breaker:gigachat/GigaChat-2-Max"} 1',
    ])
  })

  it('passes over deferred tasks, and counts no more than it is asked to', async () => {
    const rig = await openWaitRig()
    for (const taskId of ['a', 'b', 'c', 'd']) await rig.accept({ taskId, priority: taskId === 'd' ? 9 : 5 })
    await rig.database.sql.rows(`UPDATE task_queue SET run_at = now() + interval '1 hour' WHERE priority = 9`)
    const reads = new PostgresLimitReads(rig.worker.pool)
    await expect(reads.listWaitingLanes(100)).resolves.toMatchObject([{ dueTasks: 3, first: { needsCall: true } }])
    await expect(reads.listWaitingLanes(2)).resolves.toMatchObject([{ dueTasks: 2 }])
    await rig.database.sql.rows(`UPDATE task_queue SET run_at = now() + interval '1 hour'`)
    await expect(reads.listWaitingLanes(100)).resolves.toEqual([])
  })
})
