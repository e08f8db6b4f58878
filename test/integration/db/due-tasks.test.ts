import { describe, expect, it } from 'vitest'
import { DueTasks } from '../../../libs/db/src/ledger/due-tasks.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { openReplica } from './test-replica.js'

async function openListener(database: TestDatabase) {
  const replica = await openReplica(database)
  await replica.due.start()
  let heard = 0
  const stop = replica.due.listen(() => heard++)
  return { ...replica, stopListening: stop, heard: () => heard }
}

async function countListeners({ sql }: TestDatabase): Promise<number> {
  return sql.value(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice-listen'`)
}

describe(DueTasks.name, () => {
  it('tells this replica and the others that a task was accepted', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openListener(database), await openListener(database)]
    await one.ledger.accept(makeNewTask())
    await expect.poll(() => two.heard()).toBeGreaterThan(0)
    expect(one.heard()).toBeGreaterThan(0)
  })

  it('tells the others about many tasks with few notifications, the last one included', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openListener(database), await openListener(database)]
    for (let task = 0; task < 50; task++) await one.ledger.accept(makeNewTask())
    const heard = two.heard()
    one.due.announce()
    await expect.poll(() => two.heard()).toBeGreaterThan(heard)
    expect(two.heard()).toBeLessThan(50)
  })

  it('says nothing about a task that was there before', async () => {
    const database = await createLedgerDatabase()
    const one = await openListener(database)
    const task = makeNewTask()
    await one.ledger.accept(task)
    const heard = one.heard()
    one.stopListening()
    await one.ledger.accept(task)
    expect(one.heard()).toBe(heard)
  })

  it('listens again when its connection was ended', async () => {
    const database = await createLedgerDatabase()
    const one = await openListener(database)
    const two = await openReplica(database)
    await database.sql.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice-listen'`,
    )
    await expect.poll(() => countListeners(database), { timeout: 15_000 }).toBe(1)
    const heard = one.heard()
    await expect
      .poll(
        async () => {
          await two.ledger.accept(makeNewTask())
          return one.heard()
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(heard)
  })

  it('leaves no connection behind when it is stopped', async () => {
    const database = await createLedgerDatabase()
    const one = await openListener(database)
    await one.due.stop()
    await expect.poll(() => countListeners(database)).toBe(0)
    await one.due.start()
    expect(await countListeners(database)).toBe(0)
  })
})
