import { SystemClock } from '#libs/kernel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ControlledHandler } from '../../testing/controlled-handler.js'
import { FakeIntakeGate } from '../../testing/fake-intake-gate.js'
import { FakeKafkaClient } from '../../testing/fake-kafka.client.js'
import { makeRecordRange } from '../../testing/make-records.js'
import { makeTestSettings } from '../../testing/make-test-settings.js'
import { IntakeSession } from './intake-session.js'
import { KafkaIntake } from './kafka-intake.js'
import { KafkaStatus } from './kafka-status.js'
import { QueueEvents } from './queue.events.js'
import { StartPositions, StartRefusedError } from './start-positions.js'

function makeIntake({ next = 0n, env = {} }: { next?: bigint; env?: Record<string, string> } = {}) {
  const client = new FakeKafkaClient({ tasks: [{ first: 0n, next }] })
  const settings = makeTestSettings({ KAFKA_BATCH_RECORDS: '10', ...env })
  const [status, events, handler] = [new KafkaStatus(), new QueueEvents(), new ControlledHandler()]
  const parts = { client, settings, gate: new FakeIntakeGate(), status, events, clock: new SystemClock(), random: () => 1 }
  const starts = new StartPositions(settings, new QueueEvents())
  const onRefused = vi.fn<(cause: Error) => void>()
  const prepare = vi.fn<() => Promise<void>>(() => Promise.resolve())
  const intake = new KafkaIntake({
    ...parts,
    prepare,
    createSession: () => new IntakeSession({ ...parts, starts, dispatch: handler.dispatch }),
    stallTimeoutMs: settings.stallTimeoutMs,
    retry: settings.retry,
    onRefused,
  })
  return { intake, client, status, events, handler, onRefused, prepare }
}

const settle = () => vi.advanceTimersByTimeAsync(0)
const OWNED = [{ topic: 'tasks', partition: 0 }]

type TestIntake = ReturnType<typeof makeIntake>

/** Starts, joins and owns the one partition. */
async function start({ intake, client }: TestIntake) {
  intake.start()
  await settle()
  const [membership, reader] = [client.memberships.at(-1)!, client.readers.at(-1)!]
  membership.listener.assigned(OWNED)
  await settle()
  return { membership, reader }
}

async function feed({ client }: TestIntake, first: number, last: number): Promise<void> {
  const records = makeRecordRange(first, last)
  client.readers
    .at(-1)!
    .last.answer([{ kind: 'records', topic: 'tasks', partition: 0, records, nextOffset: BigInt(last + 1), topicId: 'id-of-tasks' }])
  await settle()
}

describe(KafkaIntake.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('goes from connecting over joining to ready, when the group has answered', async () => {
    const test = makeIntake()
    const states: string[] = []
    test.status.changes.subscribe(({ state }) => states.push(state))
    await start(test)
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual(['connecting', 'joining', 'ready'])
    expect(test.status.current).toMatchObject({ assignments: OWNED, lastError: null, lastFetchAt: null })
    await test.intake.stop()
  })

  it('is ready without an assignment too', async () => {
    const test = makeIntake()
    test.intake.start()
    await settle()
    test.client.memberships[0]!.listener.assigned([])
    expect(test.status.current.state).toBe('ready')
    await test.intake.stop()
  })

  it('commits behind the work and only what is stored', async () => {
    const test = makeIntake()
    const { membership } = await start(test)
    await feed(test, 0, 29)
    await test.handler.store(10)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(membership.committed).toEqual({})
    await test.handler.store(0)
    await vi.advanceTimersByTimeAsync(250)
    expect(membership.committed).toEqual({ 'tasks:0': 20 })
    expect(test.status.current.lastFetchAt).not.toBeNull()
    const stopped = test.intake.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    await stopped
  })

  it('drains, commits and leaves when it stops, and stops once', async () => {
    const test = makeIntake()
    const { membership, reader } = await start(test)
    await feed(test, 0, 19)
    const stopped = Promise.all([test.intake.stop(), test.intake.stop()])
    await settle()
    expect(test.status.current.state).toBe('draining')
    await test.handler.store(0)
    await test.handler.store(10)
    await stopped
    expect(membership.committed).toEqual({ 'tasks:0': 20 })
    expect([membership.leaves, reader.isClosed, test.status.current.state]).toEqual([1, true, 'stopped'])
    await test.intake.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('opens a new session at what is committed when the group has thrown it out', async () => {
    const test = makeIntake()
    const { membership } = await start(test)
    membership.listener.lost(new Error('UNKNOWN_MEMBER_ID'))
    await settle()
    expect(test.status.current).toMatchObject({ state: 'connecting', assignments: [] })
    expect(test.status.current.lastError?.message).toBe('UNKNOWN_MEMBER_ID')
    await vi.advanceTimersByTimeAsync(5_000)
    expect([test.client.memberships.length, membership.leaves, membership.commits]).toEqual([2, 1, []])
    await test.intake.stop()
  })

  it('opens a new session when neither the group nor a broker has answered for too long', async () => {
    const test = makeIntake()
    await start(test)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(test.client.memberships.length).toBeGreaterThan(1)
    expect(test.status.current.lastError?.message).toMatch(/has not answered for 2\d{4} ms/)
    await test.intake.stop()
  })

  it('keeps trying with longer and longer delays while Kafka is away', async () => {
    const test = makeIntake()
    const delays: number[] = []
    test.events.on('reopening', ({ delayMs }) => delays.push(delayMs))
    test.prepare.mockRejectedValue(new Error('Connection refused'))
    test.intake.start()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(delays.slice(0, 6)).toEqual([100, 200, 400, 800, 1_600, 2_000])
    expect(test.status.current).toMatchObject({ state: 'connecting' })
    test.prepare.mockResolvedValue()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(test.client.memberships).toHaveLength(1)
    await test.intake.stop()
  })

  it('leaves what it has begun when joining fails', async () => {
    const test = makeIntake()
    test.client.onMembership = (membership) => (membership.joinError = new Error('GROUP_AUTHORIZATION_FAILED'))
    test.intake.start()
    await settle()
    expect(test.client.memberships[0]!.leaves).toBe(1)
    expect(test.client.readers[0]!.isClosed).toBe(true)
    await test.intake.stop()
  })

  it('stops for good and says why when the start is refused', async () => {
    const test = makeIntake({ next: 5n })
    test.intake.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(test.onRefused).toHaveBeenCalledExactlyOnceWith(expect.any(StartRefusedError))
    expect(test.status.current.state).toBe('stopped')
    expect(test.client.memberships.every(({ joins }) => joins === 0)).toBe(true)
  })

  it('opens a new session when the topics have more partitions', async () => {
    const test = makeIntake({ env: { KAFKA_SESSION_TIMEOUT_MS: '60000' } })
    await start(test)
    test.client.admin.topics.tasks!.push({ first: 0n, next: 0n })
    await vi.advanceTimersByTimeAsync(40_000)
    expect(test.client.memberships).toHaveLength(2)
    await test.intake.stop()
  })

  it('does not wait for a request that hangs when it stops', async () => {
    const test = makeIntake()
    test.prepare.mockReturnValue(new Promise(() => undefined))
    test.intake.start()
    const stopped = test.intake.stop()
    await vi.advanceTimersByTimeAsync(1_000)
    await stopped
    expect(test.status.current.state).toBe('stopped')
  })
})
