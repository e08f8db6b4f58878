import { ProtocolError } from '@platformatic/kafka'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeTestSettings } from '../../testing/make-test-settings.js'
import type { MembershipListener, TopicPartition } from '../kafka-client.port.js'
import { ConsumerProtocolMembership } from './consumer-protocol.membership.js'
import { GroupCoordinator } from './group-coordinator.js'

const INTERVAL_MS = 5_000
const OFFSET = { topic: 'tasks', partition: 0, offset: 10n }

/** The fields of a request that matter here. */
interface Heartbeat {
  readonly epoch: number
  readonly topics: string[] | null
  readonly owned: number[] | null
}

/** A coordinator that answers each heartbeat with the next answer: an assignment, null for no news, or an error. */
class FakeCoordinator {
  readonly heartbeats: Heartbeat[] = []
  readonly commitEpochs: number[] = []
  readonly answers: (number[] | null | Error)[] = []
  commitErrors: Error[] = []
  epoch = 1
  /** Of the topic of all assignments. */
  topicId = 'id-of-tasks'
  isClosed = false

  topics() {
    return Promise.resolve(new Map([['tasks', { id: 'id-of-tasks' }]]))
  }

  async request(name: string, ...args: unknown[]): Promise<unknown> {
    await Promise.resolve()
    if (name === 'OffsetCommit') return this.commit(args[1] as number)
    if (name !== 'ConsumerGroupHeartbeat') throw new Error(`unexpected request ${name}`)
    const [, , epoch, , , , topics, , , owned] = args
    const partitions = (owned as { partitions: number[] }[] | null)?.flatMap((topic) => topic.partitions) ?? null
    this.heartbeats.push({ epoch: epoch as number, topics: topics as string[] | null, owned: partitions })
    const answer = this.answers.shift() ?? null
    if (answer instanceof Error) throw answer
    const assignment = answer && { topicPartitions: [{ topicId: this.topicId, partitions: answer }] }
    return { memberEpoch: this.epoch, heartbeatIntervalMs: INTERVAL_MS, assignment }
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }

  private commit(epoch: number): void {
    this.commitEpochs.push(epoch)
    const error = this.commitErrors.shift()
    if (error) throw error
  }
}

function makeMembership(env: Record<string, string> = {}) {
  const coordinator = new FakeCoordinator()
  const told: string[] = []
  const tell = (what: string, partitions: readonly TopicPartition[]) =>
    void told.push(`${what} ${partitions.map(({ partition }) => partition).join(',')}`)
  const revoke = vi.fn<(kept: readonly TopicPartition[]) => Promise<void>>((kept) => Promise.resolve(tell('keeps', kept)))
  const listener: MembershipListener = {
    revoke,
    assigned: (owned) => tell('owns', owned),
    heartbeat: () => undefined,
    lost: (cause) => told.push(`lost ${cause.message}`),
  }
  const settings = makeTestSettings(env)
  const membership = new ConsumerProtocolMembership(settings, ['tasks'], listener, 'member-1', coordinator as unknown as GroupCoordinator)
  return { membership, coordinator, revoke, told }
}

const settle = () => vi.advanceTimersByTimeAsync(0)

describe(ConsumerProtocolMembership.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is out when its topic comes back under another id, so that the next life learns it', async () => {
    const { membership, coordinator, told } = makeMembership()
    coordinator.answers.push([0], null, [0])
    await membership.join()
    await settle()
    coordinator.topicId = 'another'
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(told).toEqual(['owns 0', expect.stringMatching(/^lost .*made anew/)])
    await vi.advanceTimersByTimeAsync(4 * INTERVAL_MS)
    expect(coordinator.heartbeats).toHaveLength(3)
    await membership.leave()
    expect(coordinator.heartbeats.at(-1)!.epoch).toBe(-1)
  })

  it('joins with its topics, takes over what it is given and says so at once', async () => {
    const { membership, coordinator, told } = makeMembership()
    coordinator.answers.push([0, 1])
    await membership.join()
    await settle()
    expect(told).toEqual(['owns 0,1'])
    expect(coordinator.heartbeats).toEqual([
      { epoch: 0, topics: ['tasks'], owned: [] },
      { epoch: 1, topics: null, owned: [0, 1] },
    ])
    await membership.leave()
  })

  it('tells that it owns nothing while the broker has not assigned anything', async () => {
    const { membership, told } = makeMembership()
    await membership.join()
    expect(told).toEqual(['owns '])
    await membership.leave()
  })

  it('gives partitions back only after the listener has given them up, and beats meanwhile', async () => {
    const { membership, coordinator, revoke, told } = makeMembership()
    coordinator.answers.push([0, 1, 2])
    await membership.join()
    await settle()
    let drained!: () => void
    revoke.mockReturnValue(new Promise<void>((resolve) => (drained = resolve)))
    coordinator.answers.push([0])
    await vi.advanceTimersByTimeAsync(3 * INTERVAL_MS)
    expect(coordinator.heartbeats.slice(2).map(({ owned }) => owned)).toEqual([null, null, null])
    drained()
    await settle()
    expect(coordinator.heartbeats.at(-1)!.owned).toEqual([0])
    expect(told).toEqual(['owns 0,1,2', 'owns 0'])
    await membership.leave()
  })

  it('takes new partitions over after old ones are gone', async () => {
    const { membership, coordinator, told } = makeMembership()
    coordinator.answers.push([0, 1])
    await membership.join()
    await settle()
    coordinator.answers.push([1, 2])
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(told).toEqual(['owns 0,1', 'keeps 1', 'owns 1,2'])
    expect(coordinator.heartbeats.slice(-2).map(({ owned }) => owned)).toEqual([[1], [1, 2]])
    await membership.leave()
  })

  it('says again what it owns when a heartbeat was lost on the way', async () => {
    const { membership, coordinator } = makeMembership()
    coordinator.answers.push([0], new Error('Connection closed'))
    await membership.join()
    await vi.advanceTimersByTimeAsync(250)
    expect(coordinator.heartbeats.map(({ owned }) => owned)).toEqual([[], [0], [0]])
    await membership.leave()
  })

  it.each(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'])('tells that it is lost on %s and beats no more', async (id) => {
    const { membership, coordinator, told } = makeMembership()
    coordinator.answers.push([0])
    await membership.join()
    await settle()
    coordinator.answers.push(new ProtocolError(id))
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)
    expect(told[1]).toMatch(/^lost /)
    expect(coordinator.heartbeats).toHaveLength(3)
    await expect(membership.commit([OFFSET])).rejects.toThrow('not a member of the group')
    await membership.leave()
    expect(coordinator.heartbeats).toHaveLength(3)
  })

  it('commits with the epoch of the group, and learns it anew when it is stale', async () => {
    const { membership, coordinator } = makeMembership()
    await membership.join()
    coordinator.epoch = 2
    coordinator.commitErrors.push(new ProtocolError('STALE_MEMBER_EPOCH'))
    await membership.commit([OFFSET])
    expect(coordinator.commitEpochs).toEqual([1, 2])
    coordinator.commitErrors.push(new ProtocolError('GROUP_AUTHORIZATION_FAILED'))
    await expect(membership.commit([OFFSET])).rejects.toThrow('Group authorization failed')
    await membership.leave()
  })

  it.each([
    [{}, -1],
    [{ KAFKA_GROUP_INSTANCE_ID: 'replica-1' }, -2],
  ])('says goodbye once, and a static member that it will be back (%o)', async (env, epoch) => {
    const { membership, coordinator } = makeMembership(env)
    await membership.join()
    await membership.leave()
    await membership.leave()
    expect(coordinator.heartbeats.map((heartbeat) => heartbeat.epoch)).toEqual([0, epoch])
    expect(coordinator.isClosed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves without a word when it never joined', async () => {
    const { membership, coordinator } = makeMembership()
    coordinator.answers.push(new Error('Connection refused'))
    await expect(membership.join()).rejects.toThrow('Connection refused')
    await membership.leave()
    expect(coordinator.heartbeats).toHaveLength(1)
  })
})
