import type { ClaimedTask, NewTask } from '#libs/kernel'
import { describe, expect, it } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeKeyedTasks, makeNewTask } from '../../factories/new-task.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica, type TestReplica } from './test-replica.js'

async function acceptAll({ ledger }: TestReplica, tasks: readonly NewTask[]): Promise<void> {
  await Promise.all(tasks.map((task) => ledger.accept(task)))
}

async function makeDue({ sql }: TestDatabase): Promise<void> {
  await sql.rows('UPDATE task_queue SET run_at = now()')
}

describe(`${PostgresLedger.name}, order per key`, () => {
  it('gives only the first task of each key', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await acceptAll(replica, [...makeKeyedTasks('a', 3), ...makeKeyedTasks('b', 2), makeNewTask({ taskId: 'without' })])
    const claimed = await replica.ledger.claim(makeClaimRoom(10))
    expect(claimed.map(({ key }) => key?.toString() ?? null).toSorted((x, y) => String(x).localeCompare(String(y)))).toEqual([
      'a',
      'b',
      null,
    ])
  })

  it('gives the next task when the first has ended, however it ended, and numbers the results', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    const tasks = makeKeyedTasks('k', 3)
    await acceptAll(replica, tasks)
    const first = await claimOne(replica)
    await replica.ledger.finish(makeFailedEnd(first, { attemptEnd: makeAttemptEnd(first) }))
    const second = await claimOne(replica)
    await replica.ledger.finish(makeRunEnd(second, { outcome: 'expired' }))
    const third = await claimOne(replica)
    await replica.ledger.finish(makeRunEnd(third))
    expect([first, second, third].map(({ taskId }) => taskId)).toEqual(tasks.map(({ taskId }) => taskId))
    await expect(
      database.sql.rows(
        `SELECT key_sequence, convert_from(result_event, 'UTF8')::json ->> 'key_sequence' AS told FROM run_record ORDER BY 1`,
      ),
    ).resolves.toEqual([1, 2, 3].map((number) => ({ key_sequence: number, told: String(number) })))
  })

  it('blocks a key while its first task waits or is held', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await acceptAll(replica, makeKeyedTasks('k', 2))
    const head = await claimOne(replica)
    await replica.ledger.defer({
      task: head,
      delayMs: 60_000,
      reason: 'x',
      deferralClass: 'internal',
      attemptEnd: makeAttemptEnd(head),
      countsAttempt: true,
    })
    await expect(replica.ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
    await makeDue(database)
    const again = await claimOne(replica)
    expect(again.taskId).toBe(head.taskId)
    await replica.ledger.hold(again, 'maybe_paid', { attemptEnd: makeAttemptEnd(again, { state: 'maybe_paid' }) })
    await expect(replica.ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
  })

  it('takes the lowest offset next, not the one that was stored first', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const [first, second, third] = makeKeyedTasks('k', 3)
    await replica.ledger.accept(first!)
    await replica.ledger.accept(third!)
    await replica.ledger.accept(second!)
    const order: string[] = []
    for (let round = 0; round < 3; round++) {
      const task = await claimOne(replica)
      order.push(task.taskId)
      await replica.ledger.finish(makeRunEnd(task))
    }
    expect(order).toEqual([first!.taskId, second!.taskId, third!.taskId])
  })

  it('goes on with a key when its tasks come twice in one batch', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const tasks = makeKeyedTasks('k', 2)
    const results = await Promise.all([...tasks, ...tasks].map((task) => replica.ledger.accept(task)))
    expect(results).toEqual(['accepted', 'accepted', 'duplicate', 'duplicate'])
    await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
    await expect(claimOne(replica)).resolves.toMatchObject({ taskId: tasks[1]!.taskId })
  })

  it('goes on counting when a key was empty for a while', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    for (let round = 0; round < 2; round++) {
      await acceptAll(replica, makeKeyedTasks('k', 1))
      await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
    }
    await expect(database.sql.rows('SELECT key_sequence FROM run_record ORDER BY 1')).resolves.toEqual([
      { key_sequence: 1 },
      { key_sequence: 2 },
    ])
  })

  it('stalls no key while two replicas accept and finish its tasks at the same time', async () => {
    const database = await createLedgerDatabase()
    const replicas = [await openReplica(database), await openReplica(database)]
    const [keys, perKey] = [6, 25]
    const lanes = Array.from({ length: keys }, (_, index) => makeKeyedTasks(`key-${index}`, perKey))
    const order = new Map<string, bigint[]>()
    const ended = () => [...order.values()].reduce((sum, offsets) => sum + offsets.length, 0)
    const isDone = () => ended() === keys * perKey
    const produce = async (tasks: readonly NewTask[]) => {
      // One by one, so that accepts fall between the claims and ends of the tasks before them.
      for (const [index, task] of tasks.entries()) await replicas[index % 2]!.ledger.accept(task)
    }
    const end = async (replica: TestReplica, task: ClaimedTask) => {
      order.set(task.key!.toString(), [...(order.get(task.key!.toString()) ?? []), task.source.offset])
      await replica.ledger.finish(makeRunEnd(task))
    }
    const consume = async (replica: TestReplica) => {
      for (let idle = 0; !isDone() && idle < 2_000; idle++) {
        const tasks = await replica.ledger.claim(makeClaimRoom(4))
        if (tasks.length > 0) idle = 0
        await Promise.all(tasks.map((task) => end(replica, task)))
      }
    }
    await Promise.all([...lanes.map((lane) => produce(lane)), ...replicas.map((replica) => consume(replica))])
    expect(ended()).toBe(keys * perKey)
    for (const lane of lanes) expect(order.get(lane[0]!.key!.toString())).toEqual(lane.map(({ source }) => source.offset))
    await expect(
      database.sql.rows(
        `SELECT count(*) AS results, max(key_sequence) AS last, count(DISTINCT key_sequence) AS numbers
         FROM run_record r JOIN task t ON t.id = r.task_number GROUP BY t.ordering_key`,
      ),
    ).resolves.toEqual(lanes.map(() => ({ results: perKey, last: perKey, numbers: perKey })))
  })
})
