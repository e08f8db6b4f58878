import type { ClaimedTask } from '#libs/kernel'
import { describe, expect, it } from 'vitest'
import { reapLeases } from '../../../libs/db/src/lease/lease.statements.js'
import { letSuspectsOut } from '../../../libs/db/src/lease/suspect.statements.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica, type TestReplica } from './test-replica.js'

interface Scene {
  readonly database: TestDatabase
  /** It holds its lease to the end, and reaps only when the test says so. */
  readonly heir: TestReplica
}

async function openScene(): Promise<Scene> {
  const database = await createLedgerDatabase()
  return { database, heir: await openReplica(database, { leaseMs: 600_000 }) }
}

/** A worker that claims what is due, and dies with it. */
async function dieWithDue({ database, heir }: Scene): Promise<ClaimedTask[]> {
  const victim = await openReplica(database, { leaseMs: 600_000 })
  const tasks = await claimDue(victim)
  const lease = victim.lease.fence!
  await database.sql.rows(`UPDATE worker_lease SET expires_at = now() - interval '1 second' WHERE id = $1`, [lease])
  await victim.die()
  await reapLeases(heir.pool, [lease])
  return tasks
}

/** No worker has died for so long that many suspects may run side by side. */
async function dieLongAgo({ database }: Scene): Promise<void> {
  await database.sql.rows(`UPDATE worker_lease SET ended_at = ended_at - interval '1 minute' WHERE state = 'reaped'`)
}

function claimDue({ ledger }: TestReplica): Promise<ClaimedTask[]> {
  return ledger.claim(makeClaimRoom(100))
}

async function accept({ heir }: Scene, ...taskIds: string[]): Promise<void> {
  await Promise.all(taskIds.map((taskId) => heir.ledger.accept(makeNewTask({ taskId }))))
}

/** The only suspect that is out, claimed. */
async function claimSuspect({ heir }: Scene): Promise<ClaimedTask> {
  await expect(letSuspectsOut(heir.pool)).resolves.toBe(true)
  return claimOne(heir)
}

async function crashesOf({ sql }: TestDatabase): Promise<Record<string, number>> {
  const rows = await sql.rows<{ task_id: string; crashes: number }>(
    `SELECT t.task_id, q.crashes FROM task_queue q JOIN task t ON t.id = q.id`,
  )
  return Object.fromEntries(rows.map((row) => [row.task_id, row.crashes]))
}

function defer({ ledger }: TestReplica, task: ClaimedTask, deferralClass: 'handover' | 'provider_error') {
  return ledger.defer({ task, delayMs: 0, reason: 'test', deferralClass, countsAttempt: false })
}

describe(letSuspectsOut.name, () => {
  it('lets nobody out while there is no suspect', async () => {
    const scene = await openScene()
    await accept(scene, 'a')
    await expect(letSuspectsOut(scene.heir.pool)).resolves.toBe(false)
    await expect(claimOne(scene.heir)).resolves.toMatchObject({ taskId: 'a' })
  })

  it('leaves tasks that were in no call as due as any other: one more death costs them nothing', async () => {
    const scene = await openScene()
    await Promise.all(['a', 'b', 'c'].map((taskId) => scene.heir.ledger.accept(makeNewTask({ taskId, hasFiles: true }))))
    await expect(dieWithDue(scene)).resolves.toHaveLength(3)
    await expect(letSuspectsOut(scene.heir.pool)).resolves.toBe(false)
    await expect(claimDue(scene.heir)).resolves.toHaveLength(3)
  })

  it('isolates them when the next worker dies too, each from all others', async () => {
    const scene = await openScene()
    await Promise.all(['a', 'b'].map((taskId) => scene.heir.ledger.accept(makeNewTask({ taskId, hasFiles: true }))))
    await dieWithDue(scene)
    await dieWithDue(scene)
    await expect(claimDue(scene.heir)).resolves.toEqual([])
    await dieLongAgo(scene)
    const first = await claimSuspect(scene)
    await expect(letSuspectsOut(scene.heir.pool)).resolves.toBe(false)
    await scene.heir.ledger.finish(makeRunEnd(first))
    await claimSuspect(scene)
  })

  it('lets twice as many out each second in which no further worker dies', async () => {
    const scene = await openScene()
    await accept(scene, ...Array.from({ length: 20 }, (_, index) => `task-${index}`))
    await dieWithDue(scene)
    const out: number[] = []
    for (let step = 0; step < 4; step++) {
      await letSuspectsOut(scene.heir.pool)
      out.push(await scene.database.sql.value<number>('SELECT count(*) FROM task_queue WHERE run_at <= now()'))
      await scene.database.sql.rows(`UPDATE worker_lease SET ended_at = now() - interval '${step + 1} seconds' WHERE state = 'reaped'`)
    }
    expect(out).toEqual([1, 2, 4, 8])
  })

  it('lets the tasks of a dead worker out one by one, each when the one before has ended, and other tasks run meanwhile', async () => {
    const scene = await openScene()
    await accept(scene, 'a', 'b')
    await dieWithDue(scene)
    await accept(scene, 'fresh')
    await expect(claimOne(scene.heir)).resolves.toMatchObject({ taskId: 'fresh' })
    const first = await claimSuspect(scene)
    await expect(letSuspectsOut(scene.heir.pool)).resolves.toBe(false)
    await expect(claimDue(scene.heir)).resolves.toEqual([])
    await scene.heir.ledger.finish(makeRunEnd(first))
    const second = await claimSuspect(scene)
    expect([first.taskId, second.taskId].toSorted()).toEqual(['a', 'b'])
    expect([first.crashes, second.crashes]).toEqual([0, 0])
  })

  it('lets only one out when all replicas ask at the same time', async () => {
    const scene = await openScene()
    await accept(scene, 'a', 'b', 'c')
    await dieWithDue(scene)
    const others = await Promise.all([openReplica(scene.database), openReplica(scene.database), openReplica(scene.database)])
    const letOut = await Promise.all([scene.heir, ...others].map(({ pool }) => letSuspectsOut(pool)))
    expect(letOut.filter(Boolean)).toHaveLength(1)
    await claimOne(scene.heir)
  })

  it('goes before a long queue of its priority, since others wait behind it', async () => {
    const scene = await openScene()
    await accept(scene, 'suspect')
    await dieWithDue(scene)
    await accept(scene, ...Array.from({ length: 20 }, (_, index) => `fresh-${index}`))
    await letSuspectsOut(scene.heir.pool)
    await expect(claimDue(scene.heir)).resolves.toMatchObject({ 0: { taskId: 'suspect' }, length: 21 })
  })

  it('counts a death against the only suspect that the worker held, and against nothing else that it held', async () => {
    const scene = await openScene()
    await accept(scene, 'poison')
    await dieWithDue(scene)
    await accept(scene, 'fresh-1', 'fresh-2')
    await letSuspectsOut(scene.heir.pool)
    await expect(dieWithDue(scene)).resolves.toHaveLength(3)
    await expect(crashesOf(scene.database)).resolves.toEqual({ poison: 1, 'fresh-1': 0, 'fresh-2': 0 })
  })

  it('counts a death against nobody when the worker held several suspects', async () => {
    const scene = await openScene()
    await accept(scene, 'a', 'b')
    await dieWithDue(scene)
    // As by an operator, who makes them due himself.
    await scene.database.sql.rows('UPDATE task_queue SET run_at = now()')
    await expect(dieWithDue(scene)).resolves.toHaveLength(2)
    await expect(crashesOf(scene.database)).resolves.toEqual({ a: 0, b: 0 })
  })

  it('lets those out first that no death counts against', async () => {
    const scene = await openScene()
    await accept(scene, 'poison')
    await dieWithDue(scene)
    await letSuspectsOut(scene.heir.pool)
    await accept(scene, 'innocent')
    await dieWithDue(scene)
    await expect(claimSuspect(scene)).resolves.toMatchObject({ taskId: 'innocent', crashes: 0, maybePaid: 1 })
  })

  it('finds a task not guilty whose try came to an end, and remembers the deaths that count against it', async () => {
    const scene = await openScene()
    await accept(scene, 'a')
    await dieWithDue(scene)
    await letSuspectsOut(scene.heir.pool)
    await dieWithDue(scene)
    await defer(scene.heir, await claimSuspect(scene), 'provider_error')
    await expect(claimOne(scene.heir)).resolves.toMatchObject({ taskId: 'a', crashes: 1 })
    await dieWithDue(scene)
    await expect(crashesOf(scene.database)).resolves.toEqual({ a: 1 })
  })

  it('keeps a task suspect that is handed over untried', async () => {
    const scene = await openScene()
    await accept(scene, 'a')
    await dieWithDue(scene)
    await defer(scene.heir, await claimSuspect(scene), 'handover')
    await expect(claimDue(scene.heir)).resolves.toEqual([])
    await expect(claimSuspect(scene)).resolves.toMatchObject({ taskId: 'a' })
  })

  it('makes no suspects of what a worker gives back at a stop', async () => {
    const scene = await openScene()
    await accept(scene, 'a')
    const leaving = await openReplica(scene.database)
    await claimOne(leaving)
    await leaving.stop()
    await expect(claimOne(scene.heir)).resolves.toMatchObject({ taskId: 'a', crashes: 0 })
  })

  it('lets the next one out when one is not claimed for half a minute', async () => {
    const scene = await openScene()
    await accept(scene, 'a', 'b')
    await dieWithDue(scene)
    await letSuspectsOut(scene.heir.pool)
    const first = await scene.database.sql.value<number>('SELECT id FROM task_queue WHERE run_at <= now()')
    await scene.database.sql.rows(`UPDATE task_queue SET suspect_since = suspect_since - interval '31 seconds'`)
    await expect(letSuspectsOut(scene.heir.pool)).resolves.toBe(true)
    const next = await claimOne(scene.heir)
    expect(next.id).not.toBe(first)
  })

  it('makes a suspect due by itself just after its deadline, to end as expired', async () => {
    const scene = await openScene()
    await scene.heir.ledger.accept(makeNewTask({ deadlineMs: Date.now() + 3_600_000 }))
    await scene.heir.ledger.accept(makeNewTask({ deadlineMs: null }))
    await dieWithDue(scene)
    const waits = await scene.database.sql.rows(
      `SELECT extract(epoch FROM run_at - deadline) AS after_deadline, run_at - now() > interval '23 hours' AS is_far FROM task_queue ORDER BY deadline`,
    )
    expect(waits).toEqual([
      { after_deadline: '1.000000', is_far: false },
      { after_deadline: null, is_far: true },
    ])
  })
})
