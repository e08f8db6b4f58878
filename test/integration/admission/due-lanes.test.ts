import { describe, expect, it, onTestFinished } from 'vitest'
import { DUE_LANES } from '../../../libs/db/src/admission/due-lanes.statement.js'
import { PostgresAdmissionStore } from '../../../libs/db/src/admission/postgres-admission.store.js'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { CLAIM } from '../../../libs/db/src/ledger/claim.statement.js'
import { makeLaneArrays } from '../../../libs/db/src/ledger/lane-arrays.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, makeDbSettings, type TestDatabase } from '../db/test-database.js'
import { openReplica } from '../db/test-replica.js'

const LANES = 50
const TASKS = 50_000

describe(`${PostgresAdmissionStore.name}, lanes`, () => {
  it('lists each lane that has a task to start, once', async () => {
    const database = await createLedgerDatabase()
    const { store, ledger } = await openReplica(database)
    await expect(store.listDueLanes()).resolves.toEqual([])
    const lanes = [
      { provider: 'gigachat', model: 'GigaChat-2', tenant: 'a' },
      { provider: 'gigachat', model: 'GigaChat-2', tenant: 'b' },
      { provider: 'gigachat', model: 'GigaChat-2-Max', tenant: 'a' },
      { provider: 'openai', model: 'GigaChat-2', tenant: 'a' },
    ]
    for (const lane of [...lanes, ...lanes]) await ledger.accept(makeNewTask({ ...lane, priority: 1 }))
    await expect(store.listDueLanes()).resolves.toEqual(lanes)
  })

  it('passes over lanes whose tasks are deferred, held, running or behind the head of their key', async () => {
    const database = await createLedgerDatabase()
    const { store, ledger } = await openReplica(database)
    const tenants = ['deferred', 'held', 'running', 'behind', 'due']
    for (const tenant of tenants) await ledger.accept(makeNewTask({ tenant }))
    await ledger.accept(makeNewTask({ tenant: 'deferred', priority: 9 }))
    const { sql } = database
    await sql.rows(`UPDATE task_queue SET run_at = now() + interval '1 hour' WHERE tenant = 'deferred'`)
    await sql.rows(`UPDATE task_queue SET state = 'held' WHERE tenant = 'held'`)
    await sql.rows(`UPDATE task_queue SET state = 'running', lease_id = 1 WHERE tenant = 'running'`)
    await sql.rows(`UPDATE task_queue SET is_head = false WHERE tenant = 'behind'`)
    expect((await store.listDueLanes()).map(({ tenant }) => tenant)).toEqual(['due'])
    await sql.rows(`UPDATE task_queue SET run_at = now() WHERE tenant = 'deferred' AND priority = 9`)
    expect((await store.listDueLanes()).map(({ tenant }) => tenant)).toEqual(['deferred', 'due'])
  })

  it(`reads a few entries of each lane where ${TASKS} tasks wait in ${LANES}`, async () => {
    const database = await createLedgerDatabase()
    const { store } = await openReplica(database)
    await fillQueue(database)
    await expect(store.listDueLanes()).resolves.toHaveLength(LANES)
    const plan = await explain(database.url, DUE_LANES.text, [])
    const scans = scansOf(plan)
    expect(scans.map((node) => node['Node Type'])).not.toContain('Seq Scan')
    expect(new Set(scans.map((node) => node['Index Name']))).toEqual(new Set(['task_queue_lane']))
    expect(countRows(scans)).toBeLessThanOrEqual(3 * LANES)
  })

  it(`claims from all ${LANES} lanes by reading about what it takes`, async () => {
    const database = await createLedgerDatabase()
    const { store, lease } = await openReplica(database)
    await fillQueue(database)
    const lanes = (await store.listDueLanes()).map((lane) => ({ ...lane, tasks: 2, isProbe: false }))
    const plan = await explain(database.url, CLAIM.text, [lease.fence!, ...makeLaneArrays(lanes)])
    const scans = scansOf(plan)
    expect(scans.map((node) => node['Node Type'])).not.toContain('Seq Scan')
    const due = scans.filter((node) => node['Index Name'] === 'task_queue_lane')
    expect(due.length).toBeGreaterThan(0)
    expect(countRows(due)).toBeLessThanOrEqual(2 * 2 * LANES)
  })
})

/** Many tasks of many lanes, most of them deferred: those must not be read either. */
async function fillQueue({ sql }: TestDatabase): Promise<void> {
  await sql.rows(
    `INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, run_at, size_bytes, estimated_tokens)
     SELECT n, current_date, 't' || n % 10, 'prompt', 'p', 'm' || n / 10 % ($2::integer / 10), n % 10,
            now() + make_interval(secs => CASE WHEN n % 3 = 0 THEN -n ELSE n END), 100, 10
     FROM generate_series(1, $1::integer) n`,
    [TASKS, LANES],
  )
  await sql.rows('ANALYZE task_queue')
}

type PlanNode = Record<string, unknown> & { Plans?: PlanNode[] }

/** How PostgreSQL runs a statement in a session of the service's own settings. */
async function explain(url: string, text: string, values: readonly unknown[]): Promise<PlanNode> {
  const pool = new HotPool(makeDbSettings(url))
  onTestFinished(() => pool.close())
  const rows = await pool.run<{ 'QUERY PLAN': { Plan: PlanNode }[] }>({ text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}` }, values)
  return rows[0]!['QUERY PLAN'][0]!.Plan
}

function scansOf(node: PlanNode): PlanNode[] {
  const isScan = node['Relation Name'] === 'task_queue' && String(node['Node Type']).includes('Scan')
  return [...(isScan ? [node] : []), ...(node.Plans ?? []).flatMap(scansOf)]
}

function countRows(scans: readonly PlanNode[]): number {
  return scans.reduce((sum, node) => sum + Number(node['Actual Rows']) * Number(node['Actual Loops']), 0)
}
