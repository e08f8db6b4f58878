import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeProgram } from '../../../apps/cli/src/program.js'
import { reapLeases } from '../../../libs/db/src/lease/lease.statements.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

/** What `sluice task get` prints. */
async function tell({ url }: TestDatabase, taskId: string): Promise<string> {
  const lines: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0)
  onTestFinished(() => write.mockRestore())
  await makeProgram({ DATABASE_URL: url }).parseAsync(['task', 'get', taskId], { from: 'user' })
  write.mockRestore()
  return lines.join('')
}

describe('sluice task get', () => {
  it('tells what a deferred task waits for: the class, how often in a row, and the time of the next try', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ taskId: 'waits' }))
    for (const delayMs of [0, 3_600_000]) {
      const task = await claimOne(replica)
      const attemptEnd = makeAttemptEnd(task, { httpStatus: 500 })
      await replica.ledger.defer({
        task,
        delayMs,
        reason: 'llm_server_error',
        deferralClass: 'provider_error',
        countsAttempt: true,
        attemptEnd,
      })
    }
    const due = await database.sql.value<Date>('SELECT run_at FROM task_queue')
    const text = await tell(database, 'waits')
    expect(text).toContain(
      `waits for llm_server_error, due ${new Date(due).toISOString()}, deferred 2 times in a row as provider_error; run 1, 2 attempts counted`,
    )
  })

  it('tells that a task is a suspect', async () => {
    const database = await createLedgerDatabase()
    const [dead, heir] = [await openReplica(database), await openReplica(database)]
    await dead.ledger.accept(makeNewTask({ taskId: 'suspect' }))
    await claimOne(dead)
    const lease = dead.lease.fence!
    await database.sql.rows(`UPDATE worker_lease SET expires_at = now() - interval '1 second' WHERE id = $1`, [lease])
    await dead.die()
    await reapLeases(heir.pool, [lease])
    expect(await tell(database, 'suspect')).toContain('or earlier: 1 of its workers died in a row, and such tasks run apart (since ')
  })
})
