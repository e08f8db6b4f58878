import type { RecordPosition } from '#libs/kernel'
import { Consumer, findErrorBy, type GroupAssignment } from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import { GroupMembership, type MembershipListener, type TopicPartition } from '../kafka-client.port.js'
import { waitMs } from '../wait-ms.js'
import { makeClientOptions } from './client-options.js'
import { explained, explainError } from './explain-error.js'

/** Members hear of a rebalance by their next heartbeat, so these are the pace of every rebalance too. */
const HEARTBEATS_PER_SESSION = 8
const JOIN_ATTEMPTS = 10
const JOIN_RETRY_MS = 100
const LEAVE_TIMEOUT_MS = 2_000
/** A commit does not say which leader wrote the record: we never truncate. */
const NO_EPOCH = -1
const PROTOCOL = { name: 'cooperative-sticky', version: 3 }

/** Outlives a membership, so that the next one takes its place and the group need not wait until it has expired. */
export interface MemberMemory {
  /** null before the first join. */
  memberId: string | null
}

/**
 * Membership by the classic protocol (JoinGroup, SyncGroup, Heartbeat), cooperative: partitions that stay are never interrupted.
 *
 * The library tells of a rebalance only by events, which nobody awaits. What it does await is the function that makes a subscription's
 * user data, just before every JoinGroup: there the listener gives up what the last SyncGroup took away. Its own retries are off,
 * because a commit that is retried would join the group again from inside.
 */
export class ClassicProtocolMembership extends GroupMembership {
  private readonly consumer: Consumer
  private readonly isStatic: boolean
  private left = false
  private heartbeatTimer: NodeJS.Timeout | undefined

  constructor(
    settings: QueueSettings,
    topics: readonly string[],
    private readonly listener: MembershipListener,
    private readonly memory: MemberMemory,
  ) {
    super()
    const { sessionTimeoutMs } = settings
    this.isStatic = settings.groupInstanceId !== undefined
    this.consumer = new Consumer({
      ...makeClientOptions(settings, 'member'),
      groupId: settings.groupId,
      ...(settings.groupInstanceId !== undefined && { groupInstanceId: settings.groupInstanceId }),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.round(sessionTimeoutMs / HEARTBEATS_PER_SESSION),
      // A JoinGroup waits for the slowest member.
      requestTimeout: sessionTimeoutMs + settings.requestTimeoutMs,
      protocols: [PROTOCOL],
      protocolsMetadata: () => this.beforeJoin(),
    })
    this.consumer.memberId = memory.memberId
    this.consumer.topics.trackAll(...topics)
    this.consumer.on('consumer:heartbeat:start', () => this.expectHeartbeat(sessionTimeoutMs / 3))
    this.consumer.on('consumer:heartbeat:cancel', () => clearTimeout(this.heartbeatTimer))
    this.consumer.on('consumer:heartbeat:error', () => clearTimeout(this.heartbeatTimer))
    this.consumer.on('consumer:heartbeat:end', () => this.onHeartbeat())
    this.consumer.on('consumer:group:join', () => this.onJoined())
    // A rejoin that came from a heartbeat has failed: no heartbeat will follow by itself.
    this.consumer.on('error', () => void this.join().catch((error: unknown) => this.listener.lost(error as Error)))
  }

  async join(): Promise<void> {
    for (let attempt = 1; !this.left; attempt++) {
      try {
        await this.consumer.joinGroup({})
        return
      } catch (error) {
        if (attempt >= JOIN_ATTEMPTS || !findErrorBy(error as Error, 'needsRejoin', true)) throw explainError(error)
        await waitMs(JOIN_RETRY_MS)
      }
    }
  }

  async commit(offsets: readonly RecordPosition[]): Promise<void> {
    if (this.left || this.consumer.memberId === null) throw new Error('not a member of the group')
    const positions = offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset, leaderEpoch: NO_EPOCH }))
    await explained(this.consumer.commit({ offsets: positions }))
  }

  async leave(): Promise<void> {
    if (this.left) return
    this.left = true
    clearTimeout(this.heartbeatTimer)
    const { consumer } = this
    // The library would say goodbye for a static member too, and so give its partitions away at every restart.
    if (this.isStatic) void consumer.connections.close()
    const patience = setTimeout(() => void consumer.connections.close(), LEAVE_TIMEOUT_MS)
    try {
      await consumer.close(true)
    } finally {
      clearTimeout(patience)
    }
  }

  /**
   * The library has one time limit for all requests of a connection, and a JoinGroup needs a long one. A heartbeat that is owed for a
   * third of the session means a dead connection: without it the next one comes in time.
   */
  private expectHeartbeat(limitMs: number): void {
    clearTimeout(this.heartbeatTimer)
    this.heartbeatTimer = setTimeout(() => {
      for (const [, connection] of this.consumer.connections) connection.socket.destroy()
    }, limitMs)
  }

  private onHeartbeat(): void {
    clearTimeout(this.heartbeatTimer)
    this.listener.heartbeat()
  }

  private onJoined(): void {
    if (this.left) return
    this.memory.memberId = this.consumer.memberId
    this.listener.heartbeat()
    this.listener.assigned(flatten(this.consumer.assignments))
  }

  private async beforeJoin(): Promise<Buffer> {
    // Emptied by the library when this member was thrown out.
    if (!this.left) await this.listener.revoke(flatten(this.consumer.assignments))
    return Buffer.alloc(0)
  }
}

function flatten(assignments: readonly GroupAssignment[] | null): TopicPartition[] {
  return (assignments ?? []).flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}
