import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import type { DeliveryBatch } from '#libs/kernel'
import { KafkaRig, waitUntil, whenOwning, whenReady } from './kafka.rig.js'

const { kafkaBrokers } = inject('stack')

describe.each(['classic', 'consumer'])('the intake with the %s group protocol', (protocol) => {
  const env = { KAFKA_GROUP_PROTOCOL: protocol }

  it('stores every record once, in the order of each partition, and commits all of them', async () => {
    const rig = await KafkaRig.create(kafkaBrokers)
    const intake = rig.startIntake({ env })
    await whenOwning(intake, 3)
    await rig.produce(2_000)
    await waitUntil('everything is stored', () => intake.stored.length >= 2_000)
    for (const partition of [0, 1, 2]) {
      const offsets = intake.stored.filter((record) => record.startsWith(`${partition}:`)).map((record) => Number(record.split(':')[1]))
      expect(offsets).toEqual(Array.from(offsets.keys()))
    }
    await waitUntil('everything is committed', async () => (await rig.committed()).join() === (await rig.ends()).join())
    expect(intake.stored).toHaveLength(2_000)
  })

  it('is ready within three seconds', async () => {
    const rig = await KafkaRig.create(kafkaBrokers)
    const startedAt = performance.now()
    const intake = rig.startIntake({ env })
    await whenReady(intake)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    await expect(intake.listening).resolves.toBeUndefined()
  })

  it('commits no offset while inserts fail, and stores everything in order when they work again', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    let isAway = true
    const attempts: bigint[] = []
    const store = (batch: DeliveryBatch) => {
      attempts.push(batch.deliveries[0]!.offset)
      return isAway ? Promise.reject(new Error('the ledger is away')) : Promise.resolve()
    }
    const intake = rig.startIntake({ env: { ...env, KAFKA_RETRY_MAX_DELAY_MS: '100' }, store })
    await whenOwning(intake, 1)
    await rig.produce(500)
    await waitUntil('it has tried several times', () => attempts.length > 10)
    await delay(500)
    expect(await rig.committed()).toEqual([0])
    expect(intake.stored).toEqual([])
    isAway = false
    await waitUntil('everything is stored', () => intake.stored.length >= 500)
    expect(intake.stored).toEqual(Array.from({ length: 500 }, (_, offset) => `0:${offset}`))
    await waitUntil('everything is committed', async () => (await rig.committed())[0] === 500)
  })

  it('commits up to the first batch that is not stored', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    let letGo!: () => void
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const store = (batch: DeliveryBatch) => (batch.deliveries.some(({ offset }) => offset === 45n) ? held : Promise.resolve())
    await rig.produce(100)
    const intake = rig.startIntake({ env: { ...env, KAFKA_START_FROM: 'earliest' }, store })
    await waitUntil('all other batches are stored', () => intake.stored.length === 80)
    await waitUntil('what can be committed is', async () => (await rig.committed())[0] === 40)
    letGo()
    await waitUntil('everything is committed', async () => (await rig.committed())[0] === 100)
    expect(intake.stored).toHaveLength(100)
  })

  it('drains, commits and goes on where it stopped', async () => {
    const rig = await KafkaRig.create(kafkaBrokers)
    const slow = { env, store: () => delay(20) }
    const first = rig.startIntake(slow)
    await whenOwning(first, 3)
    await rig.produce(1_500)
    await waitUntil('some of it is stored', () => first.stored.length > 200)
    await first.stop()
    const committed = await rig.committed()
    expect(committed.reduce((sum, offset) => sum + offset)).toBe(first.stored.length)
    const second = rig.startIntake(slow)
    await waitUntil('the rest is stored', () => first.stored.length + second.stored.length >= 1_500)
    expect(new Set([...first.stored, ...second.stored])).toEqual(await rig.allRecords())
    expect(first.stored.length + second.stored.length).toBe(1_500)
  })

  it('loses and repeats nothing when another member comes and goes', { timeout: 90_000 }, async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 6 })
    const options = { env, store: () => delay(5) }
    const first = rig.startIntake(options)
    await whenOwning(first, 6)
    const enough = new AbortController()
    const producer = (async () => {
      let count = 0
      for (; !enough.signal.aborted; count += 60) await rig.produce(60)
      return count
    })()
    const second = rig.startIntake(options)
    await whenOwning(second, 3)
    await whenOwning(first, 3)
    await waitUntil('both of them store', () => second.stored.length > 100)
    const before = first.stored.length
    await waitUntil('the first one goes on', () => first.stored.length > before + 100)
    await second.stop()
    await whenOwning(first, 6)
    enough.abort()
    const count = await producer
    await waitUntil('everything is stored', () => first.stored.length + second.stored.length >= count)
    await waitUntil('everything is committed', async () => (await rig.committed()).join() === (await rig.ends()).join())
    const stored = [...first.stored, ...second.stored]
    expect(new Set(stored)).toEqual(await rig.allRecords())
    expect(stored).toHaveLength(count)
  })

  it('keeps the partitions of a static member that restarts', { timeout: 60_000 }, async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 2 })
    const member = (name: string) => rig.startIntake({ env: { ...env, KAFKA_GROUP_INSTANCE_ID: name } })
    const first = member('first')
    await whenOwning(first, 2)
    const second = member('second')
    await whenOwning(second, 1)
    await whenOwning(first, 1)
    const { assignments } = second.status.current
    const changes: number[] = []
    first.events.on('assigned', ({ partitions }) => changes.push(partitions.length))
    await second.stop()
    const again = member('second')
    await whenOwning(again, 1)
    expect(again.status.current.assignments).toEqual(assignments)
    expect(changes.filter((partitions) => partitions !== 1)).toEqual([])
  })
})

describe('what the intake begins with', () => {
  it('refuses a topic that is not empty, and commits nothing', async () => {
    const rig = await KafkaRig.create(kafkaBrokers)
    await rig.produce(10)
    const intake = rig.startIntake()
    await expect(intake.listening).rejects.toThrow(/no committed offset on .*KAFKA_START_FROM/)
    expect(intake.status.current.state).toBe('stopped')
    expect(await rig.committed()).toEqual([])
  })

  it('skips what is there already with KAFKA_START_FROM=latest, on every replica and after a restart', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 4 })
    await rig.produce(40)
    const env = { KAFKA_START_FROM: 'latest' }
    const intakes = [rig.startIntake({ env }), rig.startIntake({ env })]
    await Promise.all(intakes.map((intake) => whenOwning(intake, 2)))
    await rig.produce(4)
    await waitUntil('the new ones are stored', () => intakes.flatMap(({ stored }) => stored).length >= 4)
    await Promise.all(intakes.map(({ stop }) => stop()))
    expect(intakes.flatMap(({ stored }) => stored).toSorted()).toEqual(['0:10', '1:10', '2:10', '3:10'])
    const again = rig.startIntake()
    await whenOwning(again, 4)
    expect(await rig.committed()).toEqual([11, 11, 11, 11])
  })

  it('begins at a time', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    await rig.produce(10)
    await delay(20)
    const time = new Date().toISOString()
    await rig.produce(5)
    const intake = rig.startIntake({ env: { KAFKA_START_FROM: time } })
    await waitUntil('the later ones are stored', () => intake.stored.length >= 5)
    expect(intake.stored[0]).toBe('0:10')
  })

  it('names a topic that is missing, and takes it up when it is there', async () => {
    const rig = KafkaRig.plan(kafkaBrokers)
    const intake = rig.startIntake()
    await waitUntil('it says so', () => intake.status.current.lastError !== null)
    expect(intake.status.current.lastError!.message).toContain(`no topic "${rig.topic}"`)
    await rig.createTopic(rig.topic, 1)
    await whenOwning(intake, 1)
    expect(intake.status.current.lastError).toBeNull()
  })

  it('makes the topic where it may', async () => {
    const rig = KafkaRig.plan(kafkaBrokers)
    const intake = rig.startIntake({ env: { KAFKA_CREATE_TOPICS: 'true', KAFKA_CREATE_TOPICS_PARTITIONS: '2' } })
    await whenOwning(intake, 2)
    expect(await rig.ends()).toEqual([0, 0])
  })
})

describe('what the intake passes on', () => {
  it('passes tombstones, empty values and big records through as they are', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    const big = Buffer.alloc(900_000, 'x')
    const values = [null, Buffer.alloc(0), big, Buffer.from('{}')]
    const taken: (Buffer | null)[] = []
    const correlationIds: (string | undefined)[] = []
    const store = (batch: DeliveryBatch) => {
      taken.push(...batch.deliveries.map(({ value }) => value))
      correlationIds.push(...batch.deliveries.map(({ headers }) => headers.get('correlation-id')?.toString()))
      return Promise.resolve()
    }
    const intake = rig.startIntake({ env: { KAFKA_FETCH_BYTES: '2048' }, store })
    await whenOwning(intake, 1)
    for (const value of values) await rig.produce(1, () => value)
    await waitUntil('everything is stored', () => intake.stored.length >= values.length)
    expect(taken.map((value) => value && value.length)).toEqual([null, 0, 900_000, 2])
    expect(taken[2]!.equals(big)).toBe(true)
    expect(correlationIds[0]).toBe('c0')
  })
})

describe('what the intake does with compressed records', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'reads %s, but nothing that is too large when unpacked, and goes on behind it',
    async (compression) => {
      const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
      const taken: DeliveryBatch['deliveries'][number][] = []
      const store = (batch: DeliveryBatch) => Promise.resolve(void taken.push(...batch.deliveries))
      const intake = rig.startIntake({ env: { KAFKA_UNPACKED_BATCH_BYTES: '1048576' }, store })
      await whenOwning(intake, 1)
      const large = Buffer.alloc(900_000, 'xyz')
      await rig.produceCompressed(compression, [Buffer.from('a'), null, large])
      await rig.produceCompressed(compression, [Buffer.from('b'), Buffer.alloc(8 * 1_024 ** 2)])
      await rig.produceCompressed(compression, [Buffer.from('c')])
      await waitUntil('everything is committed', async () => (await rig.committed()).join() === '6')
      expect(taken.map(({ offset }) => Number(offset))).toEqual([0, 1, 2, 3, 5])
      expect([taken[0], taken[1], taken[4]].map((delivery) => delivery!.value?.toString() ?? null)).toEqual(['a', null, 'c'])
      expect(taken[2]!.value!.equals(large)).toBe(true)
      const unread = { firstOffset: 3n, lastOffset: 4n, count: 2, maxBytes: 1_048_576 }
      expect(taken[3]).toMatchObject({ value: null, unread })
      expect(taken[3]!.unread!.sizeBytes).toBeLessThan(500_000)
    },
  )

  it('takes what is compressed well in portions, however much one fetch brings', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    const sizes: number[] = []
    const store = (batch: DeliveryBatch) => Promise.resolve(void sizes.push(...batch.deliveries.map(({ value }) => value!.length)))
    for (let batch = 0; batch < 20; batch++) await rig.produceCompressed('zstd', [Buffer.alloc(1_024 ** 2)])
    const intake = rig.startIntake({ env: { KAFKA_START_FROM: 'earliest', KAFKA_WINDOW_BYTES: '2097152' }, store })
    await waitUntil('everything is committed', async () => (await rig.committed()).join() === '20')
    expect(sizes).toEqual(Array.from({ length: 20 }, () => 1_024 ** 2))
    expect(intake.stored).toEqual(Array.from({ length: 20 }, (_, offset) => `0:${offset}`))
  })
})

describe('what the intake does when records are gone', () => {
  it('goes on with what is left, says loudly what it has missed, and commits on: it once asked for them for ever', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    const first = rig.startIntake()
    await whenOwning(first, 1)
    await rig.produce(50)
    await waitUntil('the first records are stored', () => first.stored.length >= 50)
    await first.stop()
    await rig.produce(50)
    await rig.deleteBefore(0, 80n)
    const second = rig.startIntake()
    const resets: unknown[] = []
    second.events.on('offsetReset', (reset) => resets.push(reset))
    await waitUntil('the rest is stored', () => second.stored.length >= 20)
    expect(second.stored).toEqual(Array.from({ length: 20 }, (_, index) => `0:${80 + index}`))
    expect(resets).toEqual([{ topic: rig.topic, partition: 0, from: 50n, to: 80n, cause: 'out_of_range' }])
    await waitUntil('everything is committed', async () => (await rig.committed()).join() === '100')
  })

  it.each([
    ['classic', 50, 20],
    ['consumer', 50, 20],
    // More new records than old ones: the old position is a valid one of the new topic.
    ['classic', 20, 100],
    ['consumer', 20, 100],
  ])(
    'reads a topic that is made anew under it from its beginning (%s protocol, %i records before, %i after)',
    async (protocol, old, fresh) => {
      const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
      const intake = rig.startIntake({ env: { KAFKA_GROUP_PROTOCOL: protocol } })
      const madeAnew: string[] = []
      intake.events.on('offsetReset', ({ topic, cause }) => cause === 'made_anew' && madeAnew.push(topic))
      // The group may have taken the partition away before it was asked for.
      intake.events.on('topicMadeAnew', ({ topic }) => madeAnew.push(topic))
      await whenOwning(intake, 1)
      await rig.produce(old)
      await waitUntil('everything is committed', async () => (await rig.committed()).join() === `${old}`)
      await rig.recreateTopic(1)
      await rig.produce(fresh)
      await waitUntil('the new records are stored', () => intake.stored.length >= old + fresh)
      expect(intake.stored.slice(old)).toEqual(Array.from({ length: fresh }, (_, index) => `0:${index}`))
      await waitUntil('everything is committed', async () => (await rig.committed()).join() === `${fresh}`)
      expect(new Set(madeAnew)).toEqual(new Set([rig.topic]))
    },
  )

  it('reads the other topics of its list at full speed while one of them is gone', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    const gone = await KafkaRig.create(kafkaBrokers, { partitions: 2 })
    const intake = rig.startIntake({ env: { KAFKA_TOPIC_TASKS: `${gone.topic},${rig.topic}` } })
    await whenOwning(intake, 3)
    const failures: string[] = []
    intake.events.on('partitionFailed', ({ topic }) => failures.push(topic))
    await gone.deleteTopic()
    await waitUntil('its partitions have failed several times', () => failures.length > 8)
    const startedAt = performance.now()
    for (let count = 1; count <= 20; count++) {
      await rig.produce(1)
      await waitUntil('it is stored', () => intake.stored.length >= count)
    }
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(new Set(failures)).toEqual(new Set([gone.topic]))
  })

  it('reads on when the group assigns the topic under its new id: the member once dropped what it did not know, and was ready', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
    const intake = rig.startIntake({ env: { KAFKA_GROUP_PROTOCOL: 'consumer' } })
    await whenOwning(intake, 1)
    await rig.produce(20)
    await waitUntil('everything is committed', async () => (await rig.committed()).join() === '20')
    const causes: string[] = []
    intake.events.on('reopening', ({ cause }) => causes.push(cause.message))
    await rig.recreateTopic(1)
    await waitUntil('the group has told of it', () => causes.some((cause) => cause.includes('made anew')))
    await whenOwning(intake, 1)
    await rig.produce(30)
    await waitUntil('the new records are stored', () => intake.stored.length >= 50)
    expect(intake.stored.slice(20)).toEqual(Array.from({ length: 30 }, (_, index) => `0:${index}`))
  })
})
