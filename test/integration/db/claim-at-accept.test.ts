import { describe, expect, it, onTestFinished } from 'vitest'
import type { ClaimedTask, ClaimRoom, InstantClaimer, Lane } from '#libs/kernel'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase } from './test-database.js'
import { claimOne, openReplica, type TestReplica } from './test-replica.js'

/** Takes what it is offered, up to its room, and remembers it. */
class Claimer implements InstantClaimer {
  readonly started: ClaimedTask[] = []
  givenBack = 0

  constructor(public room: number) {}

  takeRoomFor(lanes: readonly Lane[]): ClaimRoom {
    const taken = Math.min(lanes.length, this.room)
    this.room -= taken
    return makeClaimRoom(taken, { kind: 'accepted' })
  }

  start(room: ClaimRoom, tasks: readonly ClaimedTask[] = []): void {
    this.started.push(...tasks)
    this.givenBack += room.tasks - tasks.length
  }
}

function listen({ ledger }: Pick<TestReplica, 'ledger'>, room = 10): Claimer {
  const claimer = new Claimer(room)
  onTestFinished(ledger.claimAtAccept(claimer))
  return claimer
}

const idsOf = (tasks: readonly ClaimedTask[]) => tasks.map(({ taskId }) => taskId)

describe(`${PostgresLedger.name}.claimAtAccept`, () => {
  it('gives a task as a claim would, with its first attempt open', async () => {
    const { url, sql } = await createLedgerDatabase()
    const [replica, other] = [await openReplica({ url }), await openReplica({ url })]
    const fields = {
      key: Buffer.from('k'),
      payload: Buffer.from('{"prompt":"Ж 🌊"}'),
      source: { topic: 'llm.tasks', partition: 3, offset: 2n ** 60n },
      deadlineMs: 1_900_000_000_123,
      correlationId: 'c',
    }
    const claimer = listen(replica)
    await expect(replica.ledger.accept(makeNewTask({ ...fields, taskId: 'at once' }))).resolves.toBe('accepted')
    await other.ledger.accept(makeNewTask({ ...fields, taskId: 'later' }))
    const [atOnce, later] = [claimer.started[0]!, await claimOne(other)]
    expect(atOnce).toEqual({
      ...later,
      id: expect.any(Number),
      taskId: 'at once',
      acceptedAtMs: expect.any(Number),
      waitedMs: 0,
      deadlineMs: expect.closeTo(later.deadlineMs!, -4),
      leaseId: replica.lease.fence,
      attempt: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), number: 1 },
    })
    const [row] = await sql.rows<Record<string, unknown>>(
      `SELECT q.state, q.lease_id, q.claims, q.sends, q.attempts, q.reason, a.id AS attempt_id, a.state AS attempt_state, a.counted, a.lease_id AS attempt_lease,
              a.number, a.run, a.reserved_tokens = q.estimated_tokens AS reserved, floor(extract(epoch FROM t.accepted_at) * 1000)::float8 AS accepted_at
       FROM task_queue q JOIN attempt a ON a.task_number = q.id JOIN task t ON t.id = q.id WHERE q.id = $1`,
      [atOnce.id],
    )
    expect(row).toEqual({
      state: 'running',
      lease_id: replica.lease.fence,
      claims: 1,
      sends: 1,
      attempts: 1,
      reason: null,
      attempt_id: atOnce.attempt!.id,
      attempt_state: 'sending',
      counted: true,
      attempt_lease: replica.lease.fence,
      number: 1,
      run: 1,
      reserved: true,
      accepted_at: atOnce.acceptedAtMs,
    })
    await expect(replica.ledger.finish(makeRunEnd(atOnce))).resolves.toMatchObject({ kind: 'finished' })
  })

  it('claims the highest priorities first, as many as there is room for, and leaves the others due', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const claimer = listen(replica, 2)
    const announced: string[] = []
    replica.due.listen(() => announced.push('due'))
    const tasks = [1, 9, 5].map((priority) => makeNewTask({ taskId: `p${priority}`, priority }))
    await Promise.all(tasks.map((task) => replica.ledger.accept(task)))
    expect(idsOf(claimer.started)).toEqual(expect.arrayContaining(['p9', 'p5']))
    expect(claimer.started).toHaveLength(2)
    expect(announced).toEqual(['due'])
    await expect(claimOne(replica)).resolves.toMatchObject({ taskId: 'p1' })
  })

  it('announces nothing when everything was claimed', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    listen(replica)
    const announced: string[] = []
    replica.due.listen(() => announced.push('due'))
    await replica.ledger.accept(makeNewTask())
    expect(announced).toEqual([])
  })

  it('leaves the order to the claim: nothing overtakes an older task that is due', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await replica.ledger.accept(makeNewTask({ taskId: 'older', priority: 0 }))
    const claimer = listen(replica)
    await replica.ledger.accept(makeNewTask({ taskId: 'newer', priority: 9 }))
    expect(claimer.started).toEqual([])
    expect(claimer.givenBack).toBe(1)
    await expect(replica.ledger.claim(makeClaimRoom(10))).resolves.toHaveLength(2)
    await replica.ledger.accept(makeNewTask({ taskId: 'newest' }))
    expect(idsOf(claimer.started)).toEqual(['newest'])
  })

  it('does not wait for a task that is only deferred', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await replica.ledger.accept(makeNewTask({ taskId: 'deferred' }))
    const task = await claimOne(replica)
    await replica.ledger.defer({ task, delayMs: 60_000, reason: 'llm_unavailable', deferralClass: 'internal', countsAttempt: false })
    const claimer = listen(replica)
    await replica.ledger.accept(makeNewTask({ taskId: 'new' }))
    expect(idsOf(claimer.started)).toEqual(['new'])
  })

  it('leaves tasks with files and tasks of an ordering key to the claim', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const claimer = listen(replica)
    await Promise.all([
      replica.ledger.accept(makeNewTask({ taskId: 'ordered', orderingKey: Buffer.from('k'), key: Buffer.from('k') })),
      replica.ledger.accept(makeNewTask({ taskId: 'file', hasFiles: true })),
      replica.ledger.accept(makeNewTask({ taskId: 'plain' })),
    ])
    expect(idsOf(claimer.started)).toEqual(['plain'])
    expect(claimer.givenBack).toBe(0)
    expect(idsOf(await replica.ledger.claim(makeClaimRoom(10)))).toEqual(expect.arrayContaining(['ordered', 'file']))
  })

  it('claims a task that comes twice in a batch once, and one that was there before not at all', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const task = makeNewTask()
    await replica.ledger.accept(task)
    await claimOne(replica)
    const claimer = listen(replica)
    const twice = makeNewTask({ taskId: 'twice' })
    const results = await Promise.all([task, twice, twice].map((each) => replica.ledger.accept(each)))
    expect(results).toEqual(['duplicate', 'accepted', 'duplicate'])
    expect(idsOf(claimer.started)).toEqual(['twice'])
    expect(claimer.givenBack).toBe(2)
  })

  it('claims nothing under a lease that was reaped, and accepts all the same', async () => {
    const { url, sql } = await createLedgerDatabase()
    const replica = await openReplica({ url })
    const claimer = listen(replica)
    await sql.rows(`UPDATE worker_lease SET state = 'reaped' WHERE id = $1`, [replica.lease.fence])
    await expect(replica.ledger.accept(makeNewTask())).resolves.toBe('accepted')
    expect(claimer).toMatchObject({ started: [], givenBack: 1 })
    await expect(sql.value(`SELECT count(*) FROM task_queue WHERE state = 'pending'`)).resolves.toBe(1)
  })

  it('claims nothing more once it is stopped, and its stop waits for what is under way', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const claimer = new Claimer(10)
    const stop = replica.ledger.claimAtAccept(claimer)
    const accepted = replica.ledger.accept(makeNewTask({ taskId: 'before' }))
    await new Promise(setImmediate)
    await stop()
    expect(idsOf(claimer.started)).toEqual(['before'])
    await accepted
    await replica.ledger.accept(makeNewTask({ taskId: 'after' }))
    expect(idsOf(claimer.started)).toEqual(['before'])
    await expect(claimOne(replica)).resolves.toMatchObject({ taskId: 'after' })
  })

  it('gives back what it has claimed when PostgreSQL’s answer was lost, and claims nothing more before that', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    const claimer = listen(replica)
    await replica.ledger.accept(makeNewTask({ taskId: 'known' }))
    replica.proxy.deafenAfter('accept-and-claim\0')
    const cutWhenClaimed = async () => {
      await expect.poll(() => database.sql.value(`SELECT count(*) FROM task_queue WHERE state = 'running'`)).toBe(2)
      replica.proxy.cut()
    }
    const [lost] = await Promise.allSettled([replica.ledger.accept(makeNewTask({ taskId: 'lost' })), cutWhenClaimed()])
    expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'ledger_unavailable' } })
    expect(claimer.givenBack).toBe(1)
    await expect.poll(() => replica.ledger.accept(makeNewTask({ taskId: 'next' })).catch(() => 'away')).toMatch(/accepted|duplicate/)
    expect(idsOf(claimer.started)).toEqual(['known'])
    const claimed: ClaimedTask[] = []
    await expect
      .poll(async () => {
        claimed.push(...(await replica.ledger.claim(makeClaimRoom(10)).catch(() => [])))
        return idsOf(claimed)
      })
      .toEqual(expect.arrayContaining(['lost', 'next']))
    await expect(replica.ledger.finish(makeRunEnd(claimer.started[0]!))).resolves.toMatchObject({ kind: 'finished' })
  })
})
