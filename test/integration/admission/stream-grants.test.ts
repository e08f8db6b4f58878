import { describe, expect, it } from 'vitest'
import type { GateDemand } from '#libs/kernel'
import { waitUntil } from '#tools/rig'
import { StreamGates } from '../../../libs/admission/src/streams/stream.gates.js'
import { PostgresAdmissionStore } from '../../../libs/db/src/admission/postgres-admission.store.js'
import { SeededRandom } from '../../faults/seeded-random.js'
import { createLedgerDatabase, type TestDatabase } from '../db/test-database.js'
import { openReplica, type ReplicaOptions } from '../db/test-replica.js'

const LANE = { provider: 'gigachat', model: 'GigaChat-2', tenant: 'default' }
const GATE = 'credential:gigachat'
const LIMIT = 10

/** A replica with its side of the streams. `limits` are those of its gates. */
async function openStreams(database: TestDatabase, { gates: names = [GATE], limit = LIMIT, ...options }: StreamOptions = {}) {
  const replica = await openReplica(database, options)
  const { store } = replica
  const gates = new StreamGates({ gatesOf: () => names.map((gate) => ({ gate, limit })), leaseId: () => store.leaseId, raiseEveryMs: 100 })
  names.forEach((gate) => gates.add({ gate, limit }))
  const balance = async (calls = Number.POSITIVE_INFINITY, failure?: Failure) => {
    const demands = gates.makeDemands(store.leaseId, calls > 0 ? [{ lane: LANE, calls }] : [])
    const result = await store.balance(demands, (state) => {
      if (failure === 'thrown') throw new Error('broken off')
      return gates.decide(state)
    })
    if (failure !== 'lost') gates.apply(result)
  }
  return { ...replica, gates, balance }
}

interface StreamOptions extends ReplicaOptions {
  readonly gates?: readonly string[]
  readonly limit?: number
}

type Failure = 'thrown' | 'lost' | undefined

/** Writes down the sum of every state of the grants that a transaction is about to commit, under the lock of its gate. */
async function watchSums({ sql }: TestDatabase) {
  await sql.rows('CREATE TABLE seen (gate text, streams bigint, at timestamptz DEFAULT clock_timestamp())')
  await sql.rows(`
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO seen (gate, streams)
        SELECT gate, sum(streams) FROM stream_grant s
        WHERE EXISTS (SELECT FROM worker_lease l WHERE l.id = s.lease_id AND l.state = 'held') GROUP BY gate;
      RETURN NULL;
    END $$`)
  await sql.rows('CREATE TRIGGER see AFTER INSERT OR UPDATE ON stream_grant FOR EACH STATEMENT EXECUTE FUNCTION see()')
  return {
    worst: () => sql.value<number>('SELECT max(streams) FROM seen'),
    count: () => sql.value<number>('SELECT count(*) FROM seen'),
  }
}

const keptOf = (replicas: readonly { readonly gates: StreamGates }[]) => replicas.reduce((sum, { gates }) => sum + gates.kept, 0)

describe(`${PostgresAdmissionStore.name}, streams`, () => {
  it('never grants more than there are, whoever asks at once and whatever breaks', async () => {
    const database = await createLedgerDatabase()
    const seen = await watchSums(database)
    const replicas = await Promise.all(Array.from({ length: 4 }, () => openStreams(database)))
    const random = new SeededRandom(11)
    const act = async ({ gates, balance }: (typeof replicas)[number]) => {
      for (let step = 0; step < 60; step++) {
        const free = gates.freeOf(LANE)
        if (random.next() < 0.5 && free > 0) gates.take(LANE, random.between(1, free))
        else if (gates.inUse > 0) gates.give(LANE, random.between(1, gates.inUse))
        const failure = random.pick<Failure>([undefined, undefined, undefined, 'thrown', 'lost'])
        await balance(random.pick([0, 1, 3, Number.POSITIVE_INFINITY]), failure).catch((error: unknown) => {
          if ((error as Error).message !== 'broken off') throw error
        })
        expect(keptOf(replicas)).toBeLessThanOrEqual(LIMIT)
        expect(gates.inUse).toBeLessThanOrEqual(gates.kept)
      }
    }
    await Promise.all(replicas.map(act))
    await expect(seen.count()).resolves.toBeGreaterThan(150)
    await expect(seen.worst()).resolves.toBeLessThanOrEqual(LIMIT)
    // And all of them are out, equally, once everybody wants them and nothing is in use.
    for (const { gates } of replicas) gates.give(LANE, gates.inUse)
    for (let round = 0; round < 3; round++) for (const { balance } of replicas) await balance()
    expect(replicas.map(({ gates }) => gates.kept).toSorted((a, b) => a - b)).toEqual([2, 2, 3, 3])
  })

  it('does not let replicas wait for each other in a circle, whatever order their gates are in', async () => {
    const database = await createLedgerDatabase()
    const names = ['credential:gigachat', 'model:gigachat/a', 'tenant:b', 'tenant:c']
    const orders = [names, names.toReversed(), [names[2]!, names[0]!, names[3]!, names[1]!], names]
    const replicas = await Promise.all(orders.map((gates) => openStreams(database, { gates })))
    for (let round = 0; round < 10; round++) await Promise.all(replicas.map(({ balance }) => balance()))
    await expect(database.sql.value('SELECT count(*) FROM stream_gate')).resolves.toBe(4)
    expect(keptOf(replicas)).toBe(LIMIT)
  })

  it('gives a dead replica its streams only until it is reaped', async () => {
    const database = await createLedgerDatabase()
    const dead = await openStreams(database, { leaseMs: 500 })
    const heir = await openStreams(database, { leaseMs: 500 })
    await dead.balance()
    await heir.balance()
    expect([dead.gates.kept, heir.gates.kept]).toEqual([10, 0])
    await dead.die()
    const start = performance.now()
    await waitUntil(() => heir.balance().then(() => heir.gates.kept === LIMIT), { what: 'all streams' })
    expect(performance.now() - start).toBeGreaterThan(200)
    await expect(database.sql.value('SELECT count(*) FROM stream_grant')).resolves.toBe(1)
  })

  it('gives the streams of a replica that has stopped to the others at once', async () => {
    const database = await createLedgerDatabase()
    const [gone, heir] = [await openStreams(database), await openStreams(database)]
    await gone.balance()
    await gone.stop()
    await heir.balance()
    expect(heir.gates.kept).toBe(LIMIT)
  })

  it('has nothing under a lease that was reaped, and takes it from nobody', async () => {
    const database = await createLedgerDatabase()
    const [zombie, heir] = [await openStreams(database), await openStreams(database)]
    await zombie.balance()
    zombie.gates.take(LANE, 2)
    await database.sql.rows(`UPDATE worker_lease SET state = 'reaped' WHERE id = $1`, [zombie.lease.fence])
    await zombie.balance()
    // What it has in use it cannot undo.
    expect([zombie.gates.kept, zombie.gates.freeOf(LANE)]).toEqual([2, 0])
    await heir.balance()
    expect(heir.gates.kept).toBe(LIMIT)
  })

  it('lowers a limit once for calls that were sent before, and gives it back by and by', async () => {
    const database = await createLedgerDatabase()
    const { store, gates, balance } = await openStreams(database)
    await balance()
    const read = () => database.sql.value<number | null>('SELECT adaptive_limit FROM stream_gate')
    await store.lowerLimit(GATE, { ageMs: 10, from: LIMIT, factor: 0.7 })
    await store.lowerLimit(GATE, { ageMs: 5_000, from: LIMIT, factor: 0.7 })
    await expect(read()).resolves.toBe(7)
    await balance()
    expect(gates.kept).toBe(7)
    await store.lowerLimit(GATE, { ageMs: 0, from: LIMIT, factor: 0.7 })
    await expect(read()).resolves.toBe(4)
    for (let lower = 0; lower < 6; lower++) await store.lowerLimit(GATE, { ageMs: 0, from: LIMIT, factor: 0.7 })
    await expect(read()).resolves.toBe(1)
    await balance()
    gates.take(LANE, 1)
    const limits = new Set<number | null>()
    await waitUntil(
      async () => {
        await balance()
        gates.take(LANE, gates.freeOf(LANE))
        limits.add(await read())
        return limits.has(null)
      },
      { what: 'the whole limit' },
    )
    expect([...limits]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, null])
  })

  it('lowers a limit for calls that were sent before it was raised, but after it was lowered', async () => {
    const database = await createLedgerDatabase()
    const { store, gates, balance } = await openStreams(database)
    const read = () => database.sql.value<number | null>('SELECT adaptive_limit FROM stream_gate')
    await balance()
    await store.lowerLimit(GATE, { ageMs: 10, from: LIMIT, factor: 0.7 })
    await balance()
    gates.take(LANE, 7)
    await database.sql.rows(`UPDATE stream_gate SET changed_at = now() - interval '1 hour', lowered_at = now() - interval '1 hour'`)
    await balance()
    await expect(read()).resolves.toBe(8)
    await store.lowerLimit(GATE, { ageMs: 2 * 3_600_000, from: LIMIT, factor: 0.7 })
    await expect(read()).resolves.toBe(8)
    await store.lowerLimit(GATE, { ageMs: 60_000, from: LIMIT, factor: 0.7 })
    await expect(read()).resolves.toBe(5)
  })

  it('waits for all its gates at once where it starves at one of them', async () => {
    const database = await createLedgerDatabase()
    const [model, tenant] = ['model:gigachat/a', 'tenant:b']
    const [one, two] = [
      await openStreams(database, { gates: [model, tenant], limit: 1 }),
      await openStreams(database, { gates: [tenant], limit: 1 }),
    ]
    await two.balance()
    two.gates.take(LANE, 1)
    await one.balance()
    await database.sql.rows(`UPDATE stream_grant SET starved_since = now() - interval '1 minute' WHERE lease_id = $1`, [one.lease.fence])
    await one.balance()
    const read = () =>
      database.sql.rows<{ gate: string; streams: number; s: number | null }>(
        `SELECT gate, streams, round(extract(epoch FROM now() - starved_since) / 60)::int AS s FROM stream_grant WHERE lease_id = $1 ORDER BY gate`,
        [one.lease.fence],
      )
    await expect(read()).resolves.toEqual([
      { gate: model, streams: 1, s: 1 },
      { gate: tenant, streams: 0, s: 1 },
    ])
    await two.balance()
    two.gates.give(LANE, 1)
    await two.balance()
    await one.balance()
    await expect(read()).resolves.toEqual([
      { gate: model, streams: 1, s: null },
      { gate: tenant, streams: 1, s: null },
    ])
  })

  it('knows for how long a replica has had nothing, until it has something', async () => {
    const database = await createLedgerDatabase()
    const [holder, starving] = [await openStreams(database, { limit: 1 }), await openStreams(database, { limit: 1 })]
    await holder.balance()
    holder.gates.take(LANE, 1)
    await starving.balance()
    await database.sql.rows(`UPDATE stream_grant SET starved_since = now() - interval '1 minute' WHERE streams = 0`)
    await holder.balance()
    expect(holder.gates.kept).toBe(1)
    holder.gates.give(LANE, 1)
    await holder.balance()
    await starving.balance()
    expect([holder.gates.kept, starving.gates.kept]).toEqual([0, 1])
    await starving.balance()
    const since = await database.sql.rows<{ starved_since: Date | null }>('SELECT starved_since FROM stream_grant WHERE lease_id = $1', [
      starving.lease.fence,
    ])
    expect(since).toEqual([{ starved_since: null }])
  })

  it('asks nothing of PostgreSQL without a lease', async () => {
    const { store, lease } = await openStreams(await createLedgerDatabase())
    await lease.stop()
    const demand: GateDemand = { gate: GATE, kept: 0, inUse: 0, wanted: 1 }
    await expect(store.balance([demand], () => ({ streams: 1, fair: 1, adaptiveLimit: null }))).resolves.toBeNull()
    await expect(store.takeProbe(LANE)).resolves.toBe(false)
    await expect(store.returnProbe(LANE)).resolves.toBeUndefined()
  })
})
