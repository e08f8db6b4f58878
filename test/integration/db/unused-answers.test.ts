import { describe, expect, it } from 'vitest'
import type { NewTask } from '#libs/kernel'
import { PostgresUnusedAnswers } from '../../../libs/db/src/reads/postgres-unused-answers.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase, openPool, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

const QUERY = { withinMs: 60_000, minBytes: 100, limit: 10 }
const LARGE = Buffer.alloc(100, 'x')

async function setUp() {
  const database = await createLedgerDatabase()
  const { ledger, ...replica } = await openReplica(database)
  /** A run that ended with this answer. */
  const end = async (outcome: 'succeeded' | 'failed', body: Buffer | undefined, fields: Partial<NewTask> = {}) => {
    await ledger.accept(makeNewTask(fields))
    const task = await claimOne({ ledger, ...replica })
    if (body) await ledger.recordAnswer(task, task.attempt!, makeAnswer('', { body }))
    await ledger.finish(outcome === 'failed' ? makeFailedEnd(task) : makeRunEnd(task))
    return task
  }
  return { database, end, answers: new PostgresUnusedAnswers(openPool(database)) }
}

const makeOlder = ({ sql }: TestDatabase) => sql.rows(`UPDATE run_record SET finished_at = now() - interval '1 hour'`)

describe(PostgresUnusedAnswers.name, () => {
  it('lists runs that failed in time with a large answer that their results do not name', async () => {
    const { database, end, answers } = await setUp()
    await end('failed', LARGE, { taskId: 'too old' })
    await makeOlder(database)
    const { id, acceptedOn } = await end('failed', LARGE, { taskId: 'failed' })
    await end('failed', LARGE.subarray(1), { taskId: 'small answer' })
    await end('failed', undefined, { taskId: 'no answer' })
    await end('succeeded', LARGE, { taskId: 'succeeded' })
    await expect(answers.list(QUERY)).resolves.toEqual([{ tenant: 'default', taskId: 'failed', taskNumber: id, acceptedOn, run: 1 }])
  })

  it('goes on after the last one of a page', async () => {
    const { end, answers } = await setUp()
    for (const taskId of ['a', 'b', 'c']) await end('failed', LARGE, { taskId })
    const first = await answers.list({ ...QUERY, limit: 2 })
    const second = await answers.list({ ...QUERY, limit: 2, after: first.at(-1) })
    expect([first, second].map((page) => page.map(({ taskId }) => taskId))).toEqual([['a', 'b'], ['c']])
  })
})
