import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil, type ServiceRig } from '#tools/rig'
import { afterEach, describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../factories/temporary-folder.factory.js'
import { runSluice } from '../integration/admin/run-sluice.js'
import { ask, callsOf, queuedOf, send, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

const WHY = ['--actor', 'ada', '--reason', 'a test']

/** `sluice` on the database of the rig. */
const sluice = (rig: ServiceRig, ...args: string[]) => runSluice({ url: rig.databaseUrl }, ...args)

/** The results of one task by their runs, once there are as many. */
async function waitForRuns(rig: ServiceRig, taskId: string, runs: number) {
  const collector = await rig.results()
  const results = () => collector.events.filter(({ value }) => value.task_id === taskId).map(({ value }) => value)
  await collector.waitFor(() => new Set(results().map(({ run }) => run)).size === runs, { what: `${runs} runs of ${taskId}` })
  return new Map(results().map((result) => [result.run, result]))
}

describe('Sluice, with its operators', { timeout: 90_000 }, () => {
  let rig: ServiceRig

  afterEach(() => rig?.close())

  it('finishes a failed run from the answer that was paid for, once its schema is put right; or pays again where it is told so', async () => {
    const types = makeTemporaryFolder()
    cpSync('test/e2e/task-types', types, { recursive: true })
    rig = await openRig('redrive', { TASK_TYPES_DIR: types })
    const worker = await rig.startWorker()
    const facts = ['kept', 'bought'].map((id) => ({ task_id: id, type: 'facts', prompt: `[[task:${id}]] [[json:{"name":"Ада"}]]` }))
    const failed = await ask(rig, ...facts)
    expect(failed.map(({ outcome, error }) => [outcome, error?.code])).toEqual(facts.map(() => ['failed', 'output_invalid']))
    await worker.stop()
    const schema = join(types, 'facts.yaml')
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('[name, age]', '[name]'))
    await rig.startWorker()

    await expect(sluice(rig, 'dead-letters', 'redrive', 'kept', ...WHY)).resolves.toMatchObject({ exitCode: undefined })
    const kept = await waitForRuns(rig, 'kept', 2)
    expect(kept.get(2)).toMatchObject({ outcome: 'succeeded', output: { json: { name: 'Ада' } }, usage: kept.get(1)!.usage, attempts: 0 })
    expect(kept.get(2)!.event_id).not.toBe(kept.get(1)!.event_id)
    await expect(callsOf(rig, 'kept')).resolves.toHaveLength(1)

    await expect(sluice(rig, 'dead-letters', 'redrive', 'bought', '--call-again', ...WHY)).resolves.toMatchObject({ exitCode: undefined })
    await expect(waitForRuns(rig, 'bought', 2).then((runs) => runs.get(2))).resolves.toMatchObject({ outcome: 'succeeded', attempts: 1 })
    await expect(callsOf(rig, 'bought')).resolves.toHaveLength(2)
    await expect(sluice(rig, 'dead-letters', 'status', '1')).resolves.toMatchObject({ out: expect.stringContaining('1 succeeded') })
    await expect(sluice(rig, 'dead-letters', 'redrive', 'kept', ...WHY)).resolves.toMatchObject({ exitCode: 5 })
  })

  it('sends a held task again when it is released, and ends one that is cancelled', async () => {
    rig = await openRig('release')
    await rig.startWorker()
    await rig.addFault({ kind: 'drop', where: 'after_processing', filter: { task: 'released' }, count: 1 })
    await rig.addFault({ kind: 'drop', where: 'after_processing', filter: { task: 'cancelled' }, count: 1 })
    await send(rig, [makePrompt('released', { type: 'held' }), makePrompt('cancelled', { type: 'held', metadata: { order: 7 } })])
    for (const id of ['released', 'cancelled'])
      await waitUntil(async () => (await queuedOf(rig, id))?.state === 'held', { what: `${id} to be held` })
    await sluice(rig, 'tasks', 'release', 'released', ...WHY)
    await sluice(rig, 'tasks', 'cancel', 'cancelled', ...WHY)
    const [released, cancelled] = await waitForResults(rig, ['released', 'cancelled'])
    expect(released).toMatchObject({ outcome: 'succeeded', run: 1 })
    expect(cancelled).toMatchObject({ outcome: 'cancelled', error: { code: 'cancelled' }, metadata: { order: 7 } })
    await expect(callsOf(rig, 'released')).resolves.toHaveLength(2)
    await expect(callsOf(rig, 'cancelled')).resolves.toHaveLength(1)
  })

  it('says why a task does not run, as its metrics do, and lets it run once that is put right', async () => {
    const file = join(makeTemporaryFolder(), 'limits.yaml')
    writeFileSync(file, 'tenants: { default: { budget: { money_per_day: 5 } } }')
    rig = await openRig('why', { LIMITS_FILE: file })
    const worker = await rig.startWorker()
    await send(rig, [makePrompt('blocked')])
    await waitUntil(async () => (await queuedOf(rig, 'blocked'))?.state === 'pending', { what: 'the task to be accepted' })
    const why = await runSluice(
      { url: rig.databaseUrl, env: { LIMITS_FILE: file, LLM_MAX_STREAMS: '10' } },
      'tasks',
      'why',
      'blocked',
      '--json',
    )
    expect(JSON.parse(why.out)).toMatchObject({
      state: 'waiting',
      reasons: [{ gate: 'price for budget money per day default', value: 0, limit: 5 }],
    })
    const metrics = await (await fetch(`${worker.url}/metrics`)).text()
    expect(metrics).toContain('sluice_meter_value{gate="budget_money:default",counts="spent"} 0')
    expect(metrics).toContain('sluice_meter_limit{gate="budget_money:default"} 5')
    expect(metrics).toContain('sluice_admission_blocked_tasks{gate="price:budget_money:default"} 1')
    expect(metrics).toContain('sluice_admission_blocked_lanes{gate="price:budget_money:default"} 1')
    await worker.stop()
    writeFileSync(file, 'tenants: { default: { budget: { tokens_per_day: 1000000 } } }')
    await rig.startWorker()
    await expect(waitForResults(rig, ['blocked'])).resolves.toMatchObject([{ outcome: 'succeeded' }])
  })
})
