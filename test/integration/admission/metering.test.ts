import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { AdmissionEvents, admissionSettings, createAdmission, type AdmissionParts } from '#libs/admission'
import { SystemClock, type ClaimedTask, type ClaimRoom } from '#libs/kernel'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeTemporaryFolder } from '../../factories/temporary-folder.factory.js'
import { createLedgerDatabase, type TestDatabase } from '../db/test-database.js'
import { openReplica, type TestReplica } from '../db/test-replica.js'

const STREAMS = { maxStreams: 100, providers: ['gigachat'] }
/** Of makeNewTask. */
const ESTIMATE = 1_100

interface Metered extends TestReplica {
  readonly parts: AdmissionParts
  readonly events: AdmissionEvents
  claim(tasks: number): Promise<{ readonly tasks: ClaimedTask[]; readonly room: ClaimRoom }>
}

async function openMetered(database: TestDatabase, limits: string): Promise<Metered> {
  const replica = await openReplica(database)
  const path = join(makeTemporaryFolder(), 'limits.yaml')
  writeFileSync(path, limits)
  const events = new AdmissionEvents()
  const settings = admissionSettings.parse({ LIMITS_FILE: path })
  const parts = createAdmission(replica.store, new SystemClock(), events, settings, STREAMS)
  const claim = async (count: number) => {
    const plain = makeClaimRoom(count)
    const metering = parts.admission.makeMetering(plain.lanes[0]!)
    const room = { ...plain, ...(metering && { metering }) }
    return { room, tasks: await replica.ledger.claim(room) }
  }
  events.on('failed', (error) => expect.fail(`PostgreSQL refused: ${String(error)}`))
  return { ...replica, parts, events, claim }
}

async function accept({ ledger }: TestReplica, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => ledger.accept(makeNewTask())))
}

interface Call {
  readonly tenant: string
  readonly atMs: number
}

/** Claims whatever may be claimed, and makes calls of 20 ms. */
async function callFor({ ledger, parts }: Metered, durationMs: number): Promise<Call[]> {
  const { admission, loop } = parts
  const calls: Call[] = []
  loop.start()
  for (const endMs = performance.now() + durationMs; performance.now() < endMs; await setTimeout(5)) {
    const room = admission.takeRoom(10)
    if (room.tasks === 0) continue
    const tasks = await ledger.claim(room)
    admission.settleRoom(room, tasks)
    for (const { tenant } of tasks) calls.push({ tenant, atMs: performance.now() })
    await setTimeout(20)
    for (const task of tasks) admission.release(task, { heldMs: 20, call: { kind: 'answered' } })
  }
  await loop.stop()
  return calls
}

const BUDGET = `tenants: { default: { budget: { tokens_per_day: ${ESTIMATE * 5} } } }`

describe('metered claims', () => {
  it('pass a budget by nothing, however many replicas claim at the same time', async () => {
    const database = await createLedgerDatabase()
    const replicas = await Promise.all([1, 2, 3].map(() => openMetered(database, BUDGET)))
    await accept(replicas[0]!, 50)
    const claims = await Promise.all(Array.from({ length: 12 }, (_, index) => replicas[index % 3]!.claim(10)))
    expect(claims.flatMap(({ tasks }) => tasks)).toHaveLength(5)
    await expect(database.sql.value(`SELECT count(*) FROM task_queue WHERE state = 'pending' AND attempts = 0`)).resolves.toBe(45)
    const { room } = await replicas[0]!.claim(10)
    expect(room.metering!.refusalOf(room.lanes[0]!)).toMatchObject({
      gate: 'budget_tokens:default',
      value: ESTIMATE * 5,
      limit: ESTIMATE * 5,
    })
  })

  it('give back what a call did not use, once', async () => {
    const database = await createLedgerDatabase()
    const replica = await openMetered(database, BUDGET)
    await accept(replica, 20)
    const { tasks } = await replica.claim(10)
    expect(tasks).toHaveLength(5)
    const [first, second] = tasks as [ClaimedTask, ClaimedTask]
    const usage = { prompt_tokens: 50, completion_tokens: 50, total_tokens: 100 }
    for (let times = 0; times < 3; times++) {
      replica.parts.admission.book(first, { attemptId: first.attempt!.id, usage, wasNotSent: false })
      await replica.parts.loop.stop()
    }
    // Nobody knows what the second has used: it keeps what was reserved.
    replica.parts.admission.book(second, { attemptId: second.attempt!.id, usage: undefined, wasNotSent: false })
    await replica.parts.loop.stop()
    await expect(database.sql.value(`SELECT amount FROM usage_meter WHERE meter = 'budget_tokens:default'`)).resolves.toBe(
      ESTIMATE * 4 + 100,
    )
    await expect(database.sql.rows(`SELECT booked_tokens FROM attempt WHERE id = $1`, [first.attempt!.id])).resolves.toEqual([
      { booked_tokens: 100 },
    ])
    await expect(replica.claim(10)).resolves.toMatchObject({ tasks: [] })
    const nothing = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
    replica.parts.admission.book(tasks[2]!, { attemptId: tasks[2]!.attempt!.id, usage: nothing, wasNotSent: true })
    await replica.parts.loop.stop()
    await expect(replica.claim(10)).resolves.toMatchObject({ tasks: [expect.anything()] })
  })

  it('book again what PostgreSQL has refused at first', async () => {
    const database = await createLedgerDatabase()
    const replica = await openMetered(database, BUDGET)
    await accept(replica, 1)
    const [task] = (await replica.claim(1)).tasks
    await database.sql.rows('CREATE SEQUENCE tries')
    await database.sql.rows(`
      CREATE FUNCTION refuse_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') <= 2 THEN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END IF;
        RETURN NEW;
      END $$`)
    await database.sql.rows('CREATE TRIGGER refuse BEFORE UPDATE ON usage_meter FOR EACH ROW EXECUTE FUNCTION refuse_twice()')
    const usage = { prompt_tokens: 50, completion_tokens: 50, total_tokens: 100 }
    replica.parts.admission.book(task!, { attemptId: task!.attempt!.id, usage, wasNotSent: false })
    await replica.parts.loop.stop()
    await expect(database.sql.value(`SELECT amount FROM usage_meter WHERE meter = 'budget_tokens:default'`)).resolves.toBe(100)
    await expect(database.sql.value(`SELECT last_value::integer FROM tries`)).resolves.toBe(3)
  })

  it('take from all meters of a lane or from none', async () => {
    const database = await createLedgerDatabase()
    const limits = `
credentials: { gigachat: { requests_per_minute: 1200, tokens_per_minute: ${ESTIMATE * 24} } }
tenants: { default: { budget: { tokens_per_day: ${ESTIMATE * 100} } } }`
    const replica = await openMetered(database, limits)
    await accept(replica, 20)
    // A twelfth of a minute's tokens may come at once.
    expect((await replica.claim(20)).tasks).toHaveLength(2)
    const rows = await database.sql.rows<{ meter: string; amount: number }>(`SELECT meter, amount FROM usage_meter ORDER BY meter`)
    expect(rows).toEqual([
      { meter: 'budget_tokens:default', amount: ESTIMATE * 2 },
      { meter: 'requests:gigachat', amount: 98 },
      { meter: 'tokens:gigachat', amount: 0 },
    ])
  })

  it('learn what calls really use', async () => {
    const database = await createLedgerDatabase()
    const replica = await openMetered(database, `credentials: { gigachat: { tokens_per_minute: 1000000 } }`)
    await accept(replica, 30)
    const { tasks } = await replica.claim(20)
    const usage = { prompt_tokens: 10, completion_tokens: 100, total_tokens: 110 }
    for (const task of tasks) replica.parts.admission.book(task, { attemptId: task.attempt!.id, usage, wasNotSent: false })
    const [next] = (await replica.claim(1)).tasks
    const [row] = await database.sql.rows<{ reserved_tokens: number; reserved_max_tokens: number }>(
      'SELECT reserved_tokens, reserved_max_tokens FROM attempt WHERE id = $1',
      [next!.attempt!.id],
    )
    expect(row!.reserved_max_tokens).toBe(ESTIMATE)
    expect(row!.reserved_tokens).toBeLessThan(ESTIMATE / 2)
  })

  it('refuse a model without a price where money is counted, and count it where there is one', async () => {
    const database = await createLedgerDatabase()
    const tenants = 'tenants: { default: { budget: { money_per_day: 5 } } }'
    const unpriced = await openMetered(database, tenants)
    await accept(unpriced, 20)
    const { room, tasks } = await unpriced.claim(5)
    expect(tasks).toEqual([])
    expect(room.metering!.refusalOf(room.lanes[0]!)).toMatchObject({ gate: 'price:budget_money:default' })
    const models = '{ GigaChat-2: { price: { prompt_per_1k: 0.5, completion_per_1k: 1 } } }'
    const priced = await openMetered(database, `${tenants}\ncredentials: { gigachat: { models: ${models} } }`)
    // Each may cost 1.1.
    const paid = (await priced.claim(20)).tasks
    expect(paid).toHaveLength(4)
    const usage = { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 }
    priced.parts.admission.book(paid[0]!, { attemptId: paid[0]!.attempt!.id, usage, wasNotSent: false })
    await priced.parts.loop.stop()
    const spent = await database.sql.value<number>(`SELECT amount FROM usage_meter WHERE meter = 'budget_money:default'`)
    expect(spent).toBeCloseTo(3 * 1.1 + 0.7)
  })

  it('hold back the next attempt of a task in hand, which stays in hand', async () => {
    const database = await createLedgerDatabase()
    const replica = await openMetered(database, BUDGET)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    const [task] = (await replica.claim(1)).tasks
    expect(task!.attempt).toBeNull()
    await accept(replica, 1)
    await replica.claim(1)
    const metering = replica.parts.admission.makeMetering(task!)!
    const next = { countsAttempt: true, metering, estimatedTokens: ESTIMATE * 5 }
    await expect(replica.ledger.openAttempt(task!, next)).rejects.toMatchObject({
      code: 'quota_exhausted',
      retryable: true,
      retryAfterMs: undefined,
    })
    const again = { ...next, metering: replica.parts.admission.makeMetering(task!)!, estimatedTokens: 500 }
    await expect(replica.ledger.openAttempt(task!, again)).resolves.toMatchObject({ number: 1 })
    await expect(database.sql.value(`SELECT amount FROM usage_meter`)).resolves.toBe(ESTIMATE + 500)
  })

  it('let smaller tasks pass one that does not fit into the rest of the day', async () => {
    const database = await createLedgerDatabase()
    const replica = await openMetered(database, BUDGET)
    await accept(replica, 1)
    await replica.claim(1)
    for (let large = 0; large < 15; large++) await replica.ledger.accept(makeNewTask({ estimatedTokens: ESTIMATE * 5, priority: 9 }))
    await accept(replica, 20)
    const { tasks, room } = await replica.claim(3)
    expect(tasks.map(({ estimatedTokens }) => estimatedTokens)).toEqual([ESTIMATE, ESTIMATE, ESTIMATE])
    expect(room.metering!.refusalOf(room.lanes[0]!)).toBeUndefined()
    expect((await replica.claim(3)).tasks).toHaveLength(1)
    await expect(database.sql.value('SELECT amount FROM usage_meter')).resolves.toBe(ESTIMATE * 5)
  })

  it('say so where a call alone may use more than the budget of a day, and reserve nothing', async () => {
    const database = await createLedgerDatabase()
    const replica = await openMetered(database, BUDGET)
    await replica.ledger.accept(makeNewTask({ estimatedTokens: ESTIMATE * 5 + 1 }))
    const [task] = (await replica.claim(1)).tasks
    expect(task!.attempt).toBeNull()
    const metering = replica.parts.admission.makeMetering(task!)!
    await expect(
      replica.ledger.openAttempt(task!, { countsAttempt: true, metering, estimatedTokens: ESTIMATE * 5 + 1 }),
    ).rejects.toMatchObject({
      code: 'exceeds_budget',
      retryable: false,
      message:
        'the call may use 5501 of budget_tokens:default, whose limit is 5500 a day: lower max_tokens, split the input, or raise the limit',
    })
    await expect(database.sql.rows('SELECT amount FROM usage_meter WHERE amount > 0')).resolves.toEqual([])
    await expect(database.sql.rows('SELECT state FROM attempt')).resolves.toEqual([])
  })

  it('share a limit out by the weights of tenants, whoever asks first', async () => {
    const database = await createLedgerDatabase()
    const limits = `
credentials: { gigachat: { requests_per_minute: 1200 } }
tenants: { heavy: { weight: 3 } }`
    const replicas = [await openMetered(database, limits), await openMetered(database, limits)]
    for (const tenant of ['light', 'heavy']) {
      await Promise.all(Array.from({ length: 400 }, () => replicas[0]!.ledger.accept(makeNewTask({ tenant }))))
    }
    const calls = await Promise.all(replicas.map((replica) => callFor(replica, 8_000)))
    const tenants = calls.flat().toSorted((a, b) => a.atMs - b.atMs)
    // A twelfth of a minute's requests may come at once: that is over soon.
    const shared = tenants.slice(120)
    expect(shared.length).toBeGreaterThan(60)
    const heavy = shared.filter(({ tenant }) => tenant === 'heavy').length / shared.length
    expect(heavy).toBeGreaterThan(0.65)
    expect(heavy).toBeLessThan(0.85)
  }, 60_000)
})
