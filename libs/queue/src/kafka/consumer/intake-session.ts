import type { Clock, DeliveryBatch, IntakeGate } from '#libs/kernel'
import type { QueueSettings } from '../../queue.settings.js'
import type { ClusterAdmin, GroupMembership, KafkaClient, RecordReader, TopicPartition } from '../kafka-client.port.js'
import { makeJitteredDelayMs } from './backoff.js'
import { FetchPump } from './fetch-pump.js'
import { IntakeWindow } from './intake-window.js'
import type { KafkaStatus } from './kafka-status.js'
import { OffsetCommitter } from './offset-committer.js'
import { PartitionLane } from './partition-lane.js'
import type { QueueEvents } from './queue.events.js'
import type { StartPositions, StartPosition } from './start-positions.js'

const RETRY_MIN_DELAY_MS = 100
/** A member that is silent for longer than its session while it drains is thrown out: the settings check the sum. */
const LAST_COMMIT_TIMEOUT_MS = 2_000
const LAST_COMMIT_ATTEMPTS = 5
const TOPOLOGY_CHECK_MS = 30_000

export interface IntakeSessionOptions {
  readonly client: KafkaClient
  readonly settings: QueueSettings
  readonly gate: IntakeGate
  readonly dispatch: (batch: DeliveryBatch, signal: AbortSignal) => Promise<void>
  readonly starts: StartPositions
  readonly status: KafkaStatus
  readonly events: QueueEvents
  readonly clock: Clock
  readonly random: () => number
}

/**
 * One life of this replica in the group: from joining until it leaves or is lost. Everything in it (lanes, window, connections) ends with
 * it; the intake opens the next one.
 *
 * opening -> joined (`open` resolves) -> ended (`ended` settles: the group or the brokers were lost) -> closed
 * Inside of joined, as often as the group rebalances: lanes that leave are held, drained for a bounded time, committed and closed before
 * the membership gives them up; lanes that stay go on undisturbed; new ones begin at what is committed.
 * `close` does the same with all lanes and then leaves the group.
 */
export class IntakeSession {
  readonly ended: Promise<Error>
  private readonly lanes = new Map<string, PartitionLane>()
  private readonly window: IntakeWindow
  private readonly admin: ClusterAdmin
  private readonly reader: RecordReader
  private readonly membership: GroupMembership
  private readonly committer: OffsetCommitter
  private readonly pump: FetchPump
  private end!: (cause: Error) => void
  /** Partitions whose start is being looked up, each with the round that asked for it. */
  private readonly beginning = new Map<string, number>()
  private round = 0
  private lastHeartbeatMs: number
  private lost = false
  private closing: Promise<void> | undefined
  private topologyTimer: NodeJS.Timeout | undefined

  constructor(private readonly options: IntakeSessionOptions) {
    const { client, settings, events, clock, random } = options
    this.ended = new Promise((resolve) => (this.end = resolve))
    this.lastHeartbeatMs = clock.monotonicMs()
    this.admin = client.createAdmin()
    this.reader = client.createReader()
    this.membership = client.createMembership(settings.topics.tasks, {
      revoke: (kept) => this.giveUp(kept),
      assigned: (owned) => this.takeOver(owned),
      heartbeat: () => (this.lastHeartbeatMs = clock.monotonicMs()),
      lost: (cause) => this.lose(cause),
    })
    const lanes = () => this.lanes.values()
    this.pump = new FetchPump({
      reader: this.reader,
      lanes,
      window: (this.window = new IntakeWindow(settings.window, () => this.pump.pump())),
      laneShare: () => Math.max(settings.window.maxRecords / Math.max(1, this.lanes.size), 2 * settings.batch.maxRecords),
      maxBytes: settings.fetch.maxBytes,
      maxWaitMs: settings.fetch.maxWaitMs,
      events,
      clock,
      random,
    })
    this.committer = new OffsetCommitter({
      lanes,
      commit: (offsets) => this.membership.commit(offsets),
      intervalMs: settings.commitIntervalMs,
      events,
    })
  }

  get lastFetchAt(): number | null {
    return this.pump.lastFetchAt
  }

  /** How long neither the group nor the brokers have answered, whichever is longer. */
  get silentMs(): number {
    return Math.max(this.pump.silentMs, this.options.clock.monotonicMs() - this.lastHeartbeatMs)
  }

  async open(): Promise<void> {
    const { settings, starts, status } = this.options
    await starts.settle(this.admin, settings.topics.tasks)
    status.update({ state: 'joining' })
    const known = await this.admin.partitions(settings.topics.tasks)
    await this.membership.join()
    this.committer.start()
    // The consumer protocol's broker assigns new partitions by itself; classic members learn of them only when they join.
    if (settings.groupProtocol === 'classic')
      this.topologyTimer = setInterval(() => void this.checkTopology(known.length), TOPOLOGY_CHECK_MS)
  }

  /** Drains for a bounded time, commits and leaves. Idempotent. */
  close(): Promise<void> {
    return (this.closing ??= this.leave())
  }

  private async leave(): Promise<void> {
    clearInterval(this.topologyTimer)
    this.pump.close()
    await this.drain(Array.from(this.lanes.values()))
    this.committer.stop()
    await Promise.allSettled([this.membership.leave(), this.reader.close(), this.admin.close()])
  }

  private async checkTopology(known: number): Promise<void> {
    const { topics } = this.options.settings
    const now = await this.admin.partitions(topics.tasks).catch(() => undefined)
    if (now !== undefined && now.length !== known) this.end(new Error(`the topics have ${now.length} partitions now (were ${known})`))
  }

  private lose(cause: Error): void {
    this.lost = true
    this.end(cause)
  }

  private async giveUp(kept: readonly TopicPartition[]): Promise<void> {
    const stay = new Set(kept.map(keyOf))
    for (const key of this.beginning.keys()) if (!stay.has(key)) this.beginning.delete(key)
    await this.drain(Array.from(this.lanes.values()).filter((lane) => !stay.has(keyOf(lane))))
  }

  private async drain(lanes: readonly PartitionLane[]): Promise<void> {
    if (lanes.length === 0) return
    for (const lane of lanes) lane.hold()
    const undrained = new Set(lanes)
    const drained = Promise.all(lanes.map(async (lane) => lane.whenIdle().then(() => undrained.delete(lane))))
    await withinMs(drained, this.options.settings.drainTimeoutMs)
    if (!this.lost) await withinMs(this.committer.commitAll(LAST_COMMIT_ATTEMPTS), LAST_COMMIT_TIMEOUT_MS)
    this.options.events.emit('revoked', { partitions: lanes.map(plain), undrained: Array.from(undrained, plain) })
    for (const lane of lanes) this.remove(lane)
  }

  private remove(lane: PartitionLane): void {
    lane.close()
    if (this.lanes.get(keyOf(lane)) === lane) this.lanes.delete(keyOf(lane))
  }

  private takeOver(owned: readonly TopicPartition[]): void {
    if (this.closing !== undefined) return
    const keys = new Set(owned.map(keyOf))
    // Not handed over in order: it was lost, and may be somebody else's already.
    for (const lane of this.lanes.values()) if (!keys.has(keyOf(lane))) this.remove(lane)
    for (const key of this.beginning.keys()) if (!keys.has(key)) this.beginning.delete(key)
    const added = owned.filter((partition) => !this.lanes.has(keyOf(partition)) && !this.beginning.has(keyOf(partition)))
    this.options.events.emit('assigned', { partitions: owned, added })
    this.options.status.update({ state: 'ready', assignments: owned, lastError: null })
    if (added.length > 0) void this.begin(added, ++this.round)
    else this.pump.pump()
  }

  private async begin(added: readonly TopicPartition[], round: number): Promise<void> {
    for (const partition of added) this.beginning.set(keyOf(partition), round)
    try {
      const starts = await this.options.starts.find(this.admin, added)
      for (const start of starts) if (this.beginning.get(keyOf(start)) === round) this.addLane(start)
      if (starts.some(({ committed }) => !committed)) void this.committer.commitNow()
      this.pump.pump()
    } catch (error) {
      this.end(error as Error)
    }
  }

  private addLane({ topic, partition, offset, committed }: StartPosition): void {
    this.beginning.delete(`${topic}:${partition}`)
    if (this.closing !== undefined) return
    const { settings, gate, dispatch, events, random } = this.options
    const delays = { minDelayMs: RETRY_MIN_DELAY_MS, maxDelayMs: settings.retryMaxDelayMs }
    const lane = new PartitionLane({
      topic,
      partition,
      startOffset: offset,
      committedOffset: committed ? offset : null,
      limits: settings.batch,
      window: this.window,
      gate,
      dispatch,
      retryDelayMs: (attempt) => makeJitteredDelayMs(attempt, delays, random),
      events,
    })
    this.lanes.set(keyOf(lane), lane)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

async function withinMs(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
