import type { Clock, DeliveryBatch, IntakeGate } from '#libs/kernel'
import { makeFullJitterMs } from '#libs/resilience'
import type { QueueSettings } from '../../queue.settings.js'
import type { ClusterAdmin, GroupMembership, KafkaClient, RecordReader, TopicPartition } from '../kafka-client.port.js'
import { FetchPump } from './fetch-pump.js'
import { IntakeWindow } from './intake-window.js'
import type { KafkaStatus } from './kafka-status.js'
import { LagWatch, type PartitionLag } from './lag.watch.js'
import { OffsetCommitter } from './offset-committer.js'
import { PartitionLane } from './partition-lane.js'
import { PartitionLanes } from './partition-lanes.js'
import type { QueueEvents } from './queue.events.js'
import type { StartPosition, StartPositions } from './start-positions.js'

const LAST_COMMIT_ATTEMPTS = 5
const TOPOLOGY_CHECK_MS = 30_000
const LAG_CHECK_MS = 5_000

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
 * it; the intake owns it and opens the next one.
 *
 * opening -> joined (`open` resolves) -> ended (`ended` settles: the group, the brokers or the topics are not what they were) -> closed
 * any -> closed (`close`: drains for a bounded time, commits, leaves the group)
 */
export class IntakeSession {
  readonly ended: Promise<Error>
  private readonly window: IntakeWindow
  private readonly admin: ClusterAdmin
  private readonly reader: RecordReader
  private readonly membership: GroupMembership
  private readonly lanes: PartitionLanes
  private readonly committer: OffsetCommitter
  private readonly pump: FetchPump
  private readonly lag: LagWatch
  private end!: (cause: Error) => void
  private lastHeartbeatMs: number
  private lost = false
  private closing: Promise<void> | undefined
  private topologyTimer: NodeJS.Timeout | undefined

  constructor(private readonly options: IntakeSessionOptions) {
    const { client, settings, clock } = options
    this.ended = new Promise((resolve) => (this.end = resolve))
    this.lastHeartbeatMs = clock.monotonicMs()
    this.window = new IntakeWindow(settings.window, () => this.pump.pump())
    this.admin = client.createAdmin()
    this.reader = client.createReader()
    this.membership = client.createMembership(settings.topics.tasks, {
      revoke: (kept) => this.lanes.giveUp(kept),
      assigned: (owned) => this.onAssigned(owned),
      heartbeat: () => (this.lastHeartbeatMs = clock.monotonicMs()),
      lost: (cause) => this.onLost(cause),
    })
    this.lanes = this.createLanes()
    this.committer = new OffsetCommitter({
      lanes: this.lanes,
      commit: (offsets) => this.membership.commit(offsets),
      intervalMs: settings.commitIntervalMs,
      retryDelayMs: settings.retry.initialDelayMs,
      events: options.events,
    })
    this.pump = this.createPump()
    this.lag = new LagWatch({ lanes: this.lanes, admin: this.admin, topics: settings.topics.tasks, intervalMs: LAG_CHECK_MS, clock })
  }

  get lastFetchAt(): number | null {
    return this.pump.lastFetchAt
  }

  get silentBrokers(): readonly number[] {
    return this.pump.silentBrokers(this.options.settings.stallTimeoutMs)
  }

  get lags(): readonly PartitionLag[] {
    return this.lag.read()
  }

  /** How long the group, or the brokers, have owed an answer. */
  get silentMs(): number {
    return Math.max(this.pump.silentMs, this.options.clock.monotonicMs() - this.lastHeartbeatMs)
  }

  async open(): Promise<void> {
    const { settings, starts, status } = this.options
    await starts.settle(this.admin, settings.topics.tasks)
    status.update({ state: 'joining' })
    const known = await this.admin.partitions(settings.topics.tasks)
    await this.membership.join()
    if (this.closing !== undefined) return
    this.committer.start()
    this.lag.start()
    // The consumer protocol's broker assigns new partitions by itself; classic members learn of them only when they join.
    if (settings.groupProtocol === 'classic') {
      this.topologyTimer = setInterval(() => void this.checkTopology(known.length), TOPOLOGY_CHECK_MS)
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return (this.closing ??= this.leave())
  }

  private async leave(): Promise<void> {
    clearInterval(this.topologyTimer)
    this.pump.close()
    this.lag.stop()
    await this.lanes.close({ commit: !this.lost })
    this.committer.stop()
    await Promise.allSettled([this.membership.leave(), this.reader.close(), this.admin.close()])
  }

  private onAssigned(owned: readonly TopicPartition[]): void {
    if (this.closing !== undefined) return
    this.options.status.update({ state: 'ready', assignments: owned, lastError: null })
    this.lanes.takeOver(owned)
  }

  private onLost(cause: Error): void {
    this.lost = true
    this.end(cause)
  }

  private async checkTopology(known: number): Promise<void> {
    const { topics } = this.options.settings
    const now = await this.admin.partitions(topics.tasks).catch(() => undefined)
    if (now !== undefined && now.length !== known) this.end(new Error(`the topics have ${now.length} partitions now (were ${known})`))
  }

  private createLanes(): PartitionLanes {
    const { settings, starts, events } = this.options
    return new PartitionLanes({
      findStarts: (partitions) => starts.find(this.admin, partitions),
      createLane: (start) => this.createLane(start),
      commit: () => this.committer.commitAll(LAST_COMMIT_ATTEMPTS),
      drainTimeoutMs: settings.drainTimeoutMs,
      onReady: () => this.pump.pump(),
      onError: (error) => this.end(error),
      events,
    })
  }

  private createLane({ topic, partition, offset, topicId, committed }: StartPosition): PartitionLane {
    const { settings, gate, dispatch, events, random } = this.options
    return new PartitionLane({
      topic,
      partition,
      startOffset: offset,
      topicId,
      committedOffset: committed ? offset : null,
      limits: settings.batch,
      window: this.window,
      gate,
      dispatch,
      retryDelayMs: (attempt) => makeFullJitterMs(attempt, settings.retry, random),
      events,
    })
  }

  private createPump(): FetchPump {
    const { settings, events, clock, random } = this.options
    return new FetchPump({
      reader: this.reader,
      lanes: this.lanes,
      window: this.window,
      // A lane that is stuck must not keep the others from fetching; two batches are let in all the same.
      laneShare: () => Math.max(settings.window.maxRecords / Math.max(1, this.lanes.size), 2 * settings.batch.maxRecords),
      maxBytes: settings.fetch.maxBytes,
      maxWaitMs: settings.fetch.maxWaitMs,
      retry: settings.retry,
      events,
      clock,
      random,
    })
  }
}
