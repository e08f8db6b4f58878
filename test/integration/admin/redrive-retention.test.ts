import { describe, expect, it, onTestFinished } from 'vitest'
import { RedriveOperator } from '#libs/admin'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { applyRetention } from '../../../libs/db/src/schema/retention.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { makeDbSettings } from '../db/test-database.js'
import { claimOne } from '../db/test-replica.js'
import { byIds, CHANGE, makeFailed, openAdminRig, type AdminRig } from './admin.rig.js'

const REQUEST = {
  selection: byIds('a'),
  limits: { callAgain: false, maxTasks: 10 },
  ratePerSecond: 100,
  change: CHANGE,
}

function openPool({ database }: AdminRig): HotPool {
  const pool = new HotPool(makeDbSettings(database.url))
  onTestFinished(() => pool.close())
  return pool
}

/** As if the ids had been accepted long ago; their days stay where they are. */
const ageIdentities = ({ database }: AdminRig) => database.sql.rows(`UPDATE task_identity SET accepted_on = accepted_on - 10`)

const forgetOldIds = (rig: AdminRig) => applyRetention(openPool(rig), { historyDays: 30, identityDays: 8 }, () => false)

const countIds = ({ database }: AdminRig) => database.sql.value<number>('SELECT count(*) FROM task_identity')

const waitForBlocked = ({ database }: AdminRig) =>
  expect.poll(() => database.sql.value<number>('SELECT count(*) FROM pg_locks WHERE NOT granted')).toBeGreaterThan(0)

describe(`${RedriveOperator.name}, beside retention`, () => {
  it('stores the id of a task anew that retention has taken: a second delivery is a duplicate, not another task', async () => {
    const rig = await openAdminRig()
    const task = makeNewTask({ taskId: 'a' })
    await makeFailed(rig, task)
    await ageIdentities(rig)
    await expect(forgetOldIds(rig)).resolves.toMatchObject({ identities: 1 })
    const { id } = await rig.redrives.create(REQUEST)
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ started: 1 })
    await expect(rig.replica.ledger.accept(task)).resolves.toBe('duplicate')
  })

  it('keeps the id of a task that is being redriven while retention looks', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    const { id } = await rig.redrives.create(REQUEST)
    await ageIdentities(rig)
    const reached = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    // The redrive has the id, and must wait before it can write its queue row.
    const blocker = openPool(rig).transaction(async (transaction) => {
      await transaction.run({ text: 'LOCK TABLE task_queue IN SHARE MODE' }, [])
      reached.resolve()
      await release.promise
    })
    await reached.promise
    const running = rig.redrives.run(id!, () => {})
    await waitForBlocked(rig)
    await expect(forgetOldIds(rig)).resolves.toMatchObject({ identities: 0 })
    release.resolve()
    await blocker
    await expect(running).resolves.toMatchObject({ started: 1 })
    await ageIdentities(rig)
    await expect(forgetOldIds(rig)).resolves.toMatchObject({ identities: 0 })
    await expect(countIds(rig)).resolves.toBe(1)
  })

  it('waits for a retention that has the id, and stores it anew', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    const { id } = await rig.redrives.create(REQUEST)
    const reached = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const retention = openPool(rig).transaction(async (transaction) => {
      await transaction.run({ text: 'SELECT FROM task_identity FOR UPDATE' }, [])
      reached.resolve()
      await release.promise
      await transaction.run({ text: 'DELETE FROM task_identity' }, [])
    })
    await reached.promise
    const running = rig.redrives.run(id!, () => {})
    await waitForBlocked(rig)
    release.resolve()
    await retention
    await expect(running).resolves.toMatchObject({ started: 1 })
    await expect(countIds(rig)).resolves.toBe(1)
  })

  it('refuses a task whose id another task has by now', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    await ageIdentities(rig)
    await forgetOldIds(rig)
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'a' }))
    await rig.replica.ledger.finish(makeRunEnd(await claimOne(rig.replica)))
    const { id } = await rig.redrives.create({ ...REQUEST, selection: { kind: 'filter', filter: { tenant: 'default' } } })
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ started: 0, refused: 1 })
    await expect(rig.redrives.status(id!)).resolves.toMatchObject({ refusals: [{ taskId: 'a', refusal: 'id_taken' }] })
  })

  it('refuses a task that retention has taken since it was chosen', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    const { id } = await rig.redrives.create(REQUEST)
    for (const table of ['task', 'attempt', 'answer', 'run_record', 'task_identity']) await rig.database.sql.rows(`DELETE FROM ${table}`)
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ started: 0, refused: 1 })
    await expect(rig.redrives.status(id!)).resolves.toMatchObject({ refusals: [{ refusal: 'gone' }] })
  })

  it('is forgotten itself with the history', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    await rig.redrives.create(REQUEST)
    await rig.database.sql.rows(`UPDATE redrive SET created_at = now() - interval '31 days'`)
    await forgetOldIds(rig)
    await expect(rig.redrives.list(10)).resolves.toEqual([])
    await expect(rig.database.sql.value('SELECT count(*) FROM redrive_item')).resolves.toBe(0)
  })
})
