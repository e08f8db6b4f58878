import type { RecordPosition } from '#libs/kernel'
import { findErrorBy, type consumerGroupHeartbeatV1 } from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import { GroupMembership, type MembershipListener, type TopicPartition } from '../kafka-client.port.js'
import { makeClientOptions } from './client-options.js'
import { explained, explainError } from './explain-error.js'
import { GroupCoordinator } from './group-coordinator.js'

const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1
const LEAVE_STATIC_EPOCH = -2
const UNCHANGED = -1
const NO_EPOCH = -1
const RETRY_MS = 250
const LEAVE_TIMEOUT_MS = 2_000
/** The broker has thrown this member out, or somebody else has taken its instance id. */
const OUT = ['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'UNRELEASED_INSTANCE_ID', 'GROUP_ID_NOT_FOUND']

type Assignment = readonly consumerGroupHeartbeatV1.ConsumerGroupHeartbeatResponseAssignmentTopicPartition[]
type Heartbeat = consumerGroupHeartbeatV1.ConsumerGroupHeartbeatResponse

/**
 * Membership by the consumer protocol (KIP-848): the broker assigns, and every heartbeat carries what this member owns and brings what it
 * shall own. It is written on the library's requests, since its Consumer joins only together with a stream, gives revoked partitions back
 * before anybody could commit for them, tells nobody of a new assignment, and never recovers from UNKNOWN_MEMBER_ID.
 *
 * joined -> reconciling (a heartbeat brings another assignment): first what is taken away is given up (the listener drains and commits,
 *   heartbeats go on), then a heartbeat says so at once, then what is new is taken over and said too -> joined.
 * any -> out (thrown out) or astray (assigned a topic whose id it did not learn when it joined, since that was made anew: the broker still
 *   counts on it, so it must leave), told to the listener once; or left. Another life is another object.
 */
export class ConsumerProtocolMembership extends GroupMembership {
  private epoch = JOIN_EPOCH
  private owned: readonly TopicPartition[] = []
  private target: readonly TopicPartition[] | undefined
  private topicIds: ReadonlyMap<string, string> = new Map()
  /** null: the broker knows it. */
  private unsaid: readonly TopicPartition[] | null = []
  private reconciling = false
  private timer: NodeJS.Timeout | undefined
  private beating: Promise<void> | undefined
  private state: 'new' | 'joined' | 'astray' | 'out' | 'left' = 'new'

  constructor(
    private readonly settings: QueueSettings,
    private readonly topics: readonly string[],
    private readonly listener: MembershipListener,
    /** The same for all lives of this process: a new life takes the place of one that could not say goodbye. */
    private readonly memberId: string,
    private readonly coordinator = createCoordinator(settings),
  ) {
    super()
  }

  async join(): Promise<void> {
    const metadata = await explained(this.coordinator.topics(this.topics))
    this.topicIds = new Map(Array.from(metadata, ([name, { id }]) => [id, name]))
    const answer = await explained(this.send(JOIN_EPOCH, [...this.topics], []))
    this.state = 'joined'
    // The listener hears of an empty assignment too: the group has answered.
    if (answer.assignment === null) this.listener.assigned([])
    this.onAnswer(answer)
  }

  async commit(offsets: readonly RecordPosition[]): Promise<void> {
    try {
      await this.sendCommit(offsets)
    } catch (error) {
      if (!findErrorBy(error as Error, 'apiId', 'STALE_MEMBER_EPOCH')) throw explainError(error)
      await this.beat()
      await explained(this.sendCommit(offsets))
    }
  }

  async leave(): Promise<void> {
    if (this.state === 'left') return
    const isMember = this.state === 'joined' || this.state === 'astray'
    this.state = 'left'
    clearTimeout(this.timer)
    const patience = setTimeout(() => void this.coordinator.close(), LEAVE_TIMEOUT_MS)
    // A static member says that it will be back: its partitions stay its own for the session timeout.
    const epoch = this.settings.groupInstanceId === undefined ? LEAVE_EPOCH : LEAVE_STATIC_EPOCH
    if (isMember) await this.send(epoch, null, []).catch(() => undefined)
    clearTimeout(patience)
    await this.coordinator.close()
  }

  private async sendCommit(offsets: readonly RecordPosition[]): Promise<void> {
    if (this.state !== 'joined') throw new Error('not a member of the group')
    const { groupId, groupInstanceId } = this.settings
    const topics = Array.from(
      Map.groupBy(offsets, ({ topic }) => topic),
      ([name, positions]) => ({
        name,
        partitions: positions.map(({ partition, offset }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: NO_EPOCH,
          committedMetadata: null,
        })),
      }),
    )
    await this.coordinator.request('OffsetCommit', groupId, this.epoch, this.memberId, groupInstanceId ?? null, topics)
  }

  private send(epoch: number, topics: string[] | null, owned: readonly TopicPartition[] | null): Promise<Heartbeat> {
    const { groupId, groupInstanceId, sessionTimeoutMs } = this.settings
    return this.coordinator.request<Heartbeat>(
      'ConsumerGroupHeartbeat',
      groupId,
      this.memberId,
      epoch,
      groupInstanceId ?? null,
      null,
      epoch === JOIN_EPOCH ? sessionTimeoutMs : UNCHANGED,
      topics,
      null,
      null,
      owned && this.encode(owned),
    )
  }

  /** One heartbeat at a time; one asked for meanwhile is that one. */
  private beat(): Promise<void> {
    return (this.beating ??= this.beatOnce().finally(() => (this.beating = undefined)))
  }

  private async beatOnce(): Promise<void> {
    if (this.state !== 'joined') return
    const said = this.unsaid
    try {
      const answer = await this.send(this.epoch, null, said)
      if (this.unsaid === said) this.unsaid = null
      this.onAnswer(answer)
    } catch (error) {
      this.onError(error as Error)
    }
  }

  private onAnswer({ memberEpoch, heartbeatIntervalMs, assignment }: Heartbeat): void {
    if (this.state !== 'joined') return
    this.epoch = memberEpoch
    this.listener.heartbeat()
    this.schedule(heartbeatIntervalMs)
    if (assignment === null) return
    if (assignment.topicPartitions.some(({ topicId }) => !this.topicIds.has(topicId))) {
      this.goOut('astray', new Error('a topic of this member was made anew: it has another id'))
      return
    }
    this.target = this.decode(assignment.topicPartitions)
    void this.reconcile()
  }

  private onError(error: Error): void {
    if (this.state !== 'joined') return
    if (!OUT.some((id) => findErrorBy(error, 'apiId', id))) {
      this.schedule(RETRY_MS)
      return
    }
    this.goOut('out', explainError(error))
  }

  private goOut(state: 'out' | 'astray', cause: Error): void {
    this.state = state
    clearTimeout(this.timer)
    this.listener.lost(cause)
  }

  private schedule(delayMs: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.beat(), delayMs)
  }

  private async reconcile(): Promise<void> {
    if (this.reconciling) return
    this.reconciling = true
    while (this.target !== undefined && this.state === 'joined') {
      const { target } = this
      this.target = undefined
      const kept = this.owned.filter((partition) => includes(target, partition))
      if (kept.length < this.owned.length) {
        await this.listener.revoke(kept)
        await this.own(kept)
      }
      if (this.target !== undefined || this.state !== 'joined') continue
      this.listener.assigned(target)
      if (target.length > kept.length) await this.own(target)
    }
    this.reconciling = false
  }

  private async own(partitions: readonly TopicPartition[]): Promise<void> {
    this.owned = partitions
    this.unsaid = partitions
    // The one under way may not say it yet.
    await this.beating
    await this.beat()
  }

  private encode(partitions: readonly TopicPartition[]): { topicId: string; partitions: number[] }[] {
    return Array.from(this.topicIds, ([topicId, name]) => ({
      topicId,
      partitions: partitions.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    })).filter((topic) => topic.partitions.length > 0)
  }

  private decode(assignment: Assignment): TopicPartition[] {
    return assignment.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({ topic: this.topicIds.get(topicId)!, partition })),
    )
  }
}

/** No request of this protocol waits at the broker, so a connection that is silent for half of a session is dead. */
function createCoordinator(settings: QueueSettings): GroupCoordinator {
  const requestTimeout = Math.min(settings.requestTimeoutMs, settings.sessionTimeoutMs / 2)
  return new GroupCoordinator({ ...makeClientOptions(settings, 'member'), requestTimeout }, settings.groupId)
}

function includes(partitions: readonly TopicPartition[], { topic, partition }: TopicPartition): boolean {
  return partitions.some((other) => other.topic === topic && other.partition === partition)
}
