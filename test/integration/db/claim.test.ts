import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ClaimedTask, ClaimRoom } from '#libs/kernel'
import { HotPool, type Statement } from '../../../libs/db/src/connection/hot-pool.js'
import { CLAIM, CLAIM_OLDEST } from '../../../libs/db/src/ledger/claim.statement.js'
import { makeLaneArrays } from '../../../libs/db/src/ledger/lane-arrays.js'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, makeDbSettings } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

const MINUTE_MS = 60_000

describe(`${PostgresLedger.name}.claim`, () => {
  it('gives a task as it was accepted, with its first attempt open', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    const task = makeNewTask({
      key: Buffer.from('k'),
      source: { topic: 'llm.tasks', partition: 3, offset: 2n ** 60n },
      deadlineMs: 1_900_000_000_123,
      correlationId: 'c',
    })
    await replica.ledger.accept(task)
    const claimed = await claimOne(replica)
    expect(claimed).toMatchObject({
      tenant: task.tenant,
      taskId: task.taskId,
      type: task.type,
      source: task.source,
      key: task.key,
      orderingKey: null,
      payload: task.payload.toString(),
      deadlineMs: expect.closeTo(task.deadlineMs!, -4),
      correlationId: 'c',
      run: 1,
      attempts: 1,
      maybePaid: 0,
      crashes: 0,
      leaseId: replica.lease.fence,
      attempt: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), number: 1 },
      storedAnswer: null,
    })
    const [attempt] = await database.sql.rows<Record<string, unknown>>('SELECT * FROM attempt')
    expect(attempt).toMatchObject({ id: claimed.attempt!.id, state: 'sending', counted: true, lease_id: replica.lease.fence })
  })

  it.each(['claimed', 'claimed while it is accepted'])(
    'tells the deadline of a task that is %s by its own clock, however wrong that is',
    async (how) => {
      const database = await createLedgerDatabase()
      const replica = await openReplica(database)
      const inOneMinute = Date.now() + MINUTE_MS
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60 * MINUTE_MS })
      onTestFinished(() => void vi.useRealTimers())
      const started: ClaimedTask[] = []
      if (how !== 'claimed') {
        replica.ledger.claimAtAccept({
          takeRoomFor: (lanes) => makeClaimRoom(lanes.length, { kind: 'accepted' }),
          start: (_, tasks = []) => void started.push(...tasks),
        })
      }
      await replica.ledger.accept(makeNewTask({ deadlineMs: inOneMinute }))
      const [task] = started.length > 0 ? started : [await claimOne(replica)]
      expect(Math.abs(task!.deadlineMs! - Date.now() - MINUTE_MS)).toBeLessThan(MINUTE_MS / 2)
    },
  )

  it('gives a task with files without an attempt', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    await expect(claimOne(replica)).resolves.toMatchObject({ attempt: null, attempts: 0, hasFiles: true })
    await expect(database.sql.value('SELECT count(*) FROM attempt')).resolves.toBe(0)
  })

  it('takes the highest priority first, and the oldest of it', async () => {
    const { ledger } = await openReplica(await createLedgerDatabase())
    for (const [taskId, priority] of [
      ['low', 0],
      ['first', 5],
      ['second', 5],
      ['high', 9],
    ] as const)
      await ledger.accept(makeNewTask({ taskId, priority }))
    const order = []
    for (let claim = 0; claim < 4; claim++) order.push(...(await ledger.claim(makeClaimRoom(1))).map(({ taskId }) => taskId))
    expect(order).toEqual(['high', 'first', 'second', 'low'])
  })

  it('takes what has been due the longest first, where it is told to, and then more of the same priority', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    for (const [taskId, priority] of [
      ['low', 0],
      ['high', 9],
      ['middle', 5],
      ['low too', 0],
    ] as const)
      await ledger.accept(makeNewTask({ taskId, priority }))
    await database.sql.rows(
      `UPDATE task_queue SET run_at = CASE priority WHEN 9 THEN now() + interval '1 hour' ELSE now() - make_interval(secs => 9 - priority) END`,
    )
    const oldestFirst = async (tasks: number) => {
      const claimed = await ledger.claim({ ...makeClaimRoom(tasks), oldestFirst: true })
      return claimed.map(({ taskId }) => taskId)
    }
    expect(await oldestFirst(2)).toEqual(['low', 'low too'])
    expect(await oldestFirst(2)).toEqual(['middle'])
  })

  it('takes no more than it may', async () => {
    const { ledger } = await openReplica(await createLedgerDatabase())
    await Promise.all(Array.from({ length: 30 }, (_, index) => ledger.accept(makeNewTask({ priority: index % 10 }))))
    await expect(ledger.claim(makeClaimRoom(7))).resolves.toHaveLength(7)
    await expect(ledger.claim(makeClaimRoom(100))).resolves.toHaveLength(23)
    await expect(ledger.claim(makeClaimRoom(100))).resolves.toEqual([])
  })

  it('leaves a task alone until its time has come', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await ledger.accept(makeNewTask())
    await database.sql.rows(`UPDATE task_queue SET run_at = now() + interval '1 hour'`)
    await expect(ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
    await database.sql.rows(`UPDATE task_queue SET run_at = now() - interval '1 second'`)
    await expect(ledger.claim(makeClaimRoom(10))).resolves.toHaveLength(1)
  })

  it('gives every task to one of two replicas that claim at the same time', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openReplica(database), await openReplica(database)]
    await Promise.all(Array.from({ length: 200 }, () => one.ledger.accept(makeNewTask())))
    const claims = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : two).ledger.claim(makeClaimRoom(10))),
    )
    const ids = claims.flat().map(({ id }) => id)
    expect(ids).toHaveLength(200)
    expect(new Set(ids).size).toBe(200)
  })

  it('takes nothing when its lease was reaped', async () => {
    const database = await createLedgerDatabase()
    const { ledger, lease } = await openReplica(database)
    await ledger.accept(makeNewTask())
    await database.sql.rows(`UPDATE worker_lease SET state = 'reaped'`)
    expect(lease.fence).not.toBeNull()
    await expect(ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
  })

  it('takes nothing while it has no lease', async () => {
    const { ledger, lease } = await openReplica(await createLedgerDatabase())
    await ledger.accept(makeNewTask())
    await lease.stop()
    await expect(ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
  })

  it.each([CLAIM, CLAIM_OLDEST])('finds its tasks by an index when there are 50,000 ($name)', async (statement) => {
    const database = await createLedgerDatabase()
    const { lease } = await openReplica(database)
    await database.sql.rows(
      `INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, run_at, size_bytes, estimated_tokens)
       SELECT n, current_date, 't', 'prompt', 'p', 'm', n % 10, now() - make_interval(secs => n), 100, 10 FROM generate_series(1, 50000) n`,
    )
    await database.sql.rows('ANALYZE task_queue')
    const plan = await explainClaim(
      statement,
      database.url,
      lease.fence!,
      makeClaimRoom(20, { lane: { provider: 'p', model: 'm', tenant: 't' } }),
    )
    const scans = findNodes(plan, (node) => node['Relation Name'] === 'task_queue' && String(node['Node Type']).includes('Scan'))
    expect(scans.map((node) => node['Node Type'])).not.toContain('Seq Scan')
    expect(scans.map((node) => node['Index Name'])).toContain('task_queue_lane')
    // It reads about what it takes, however much waits.
    const read = scans.filter((node) => node['Index Name'] === 'task_queue_lane')
    for (const node of read) expect(Number(node['Actual Rows']) * Number(node['Actual Loops'])).toBeLessThanOrEqual(40)
  })
})

type PlanNode = Record<string, unknown> & { Plans?: PlanNode[] }

/** How PostgreSQL runs the claim in a session of the service's own settings. Rolled back. */
async function explainClaim(statement: Statement, url: string, leaseId: number, { lanes }: ClaimRoom): Promise<PlanNode> {
  const pool = new HotPool(makeDbSettings(url))
  try {
    const rows = await pool.run<{ 'QUERY PLAN': { Plan: PlanNode }[] }>({ text: `EXPLAIN (ANALYZE, FORMAT JSON) ${statement.text}` }, [
      leaseId,
      ...makeLaneArrays(lanes),
    ])
    return rows[0]!['QUERY PLAN'][0]!.Plan
  } finally {
    await pool.close()
  }
}

function findNodes(node: PlanNode, matches: (node: PlanNode) => boolean): PlanNode[] {
  return [...(matches(node) ? [node] : []), ...(node.Plans ?? []).flatMap((child) => findNodes(child, matches))]
}
