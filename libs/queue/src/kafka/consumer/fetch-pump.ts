import type { Clock } from '#libs/kernel'
import { makeFullJitterMs } from '#libs/resilience'
import type { QueueSettings } from '../../queue.settings.js'
import type { FetchedPartition, FetchLimits, FetchPosition, RecordReader } from '../kafka-client.port.js'
import { waitMs } from '../wait-ms.js'
import type { IntakeWindow } from './intake-window.js'
import type { PartitionLane } from './partition-lane.js'
import type { QueueEvents } from './queue.events.js'

const MIN_FETCH_BYTES = 64 * 1024
/** Where records trickle in, they are fetched a few at a time: each fetch costs the broker as much as hundreds of records. */
const MIN_FETCH_INTERVAL_MS = 10
/** Bytes of an answer after which the next fetch goes out at once. */
const FULL_FETCH_BYTES = 64 * 1024
/** What a record is taken to weigh until the first ones have been seen. */
const FIRST_RECORD_BYTES = 512
/** Stands for every broker. */
const ALL = -1

export interface FetchPumpOptions {
  readonly reader: RecordReader
  /** Those of the moment, each time they are asked for. */
  readonly lanes: Iterable<PartitionLane>
  readonly window: IntakeWindow
  /** Records that one lane may hold, so that one that is stuck leaves room for the others. */
  readonly laneShare: () => number
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly retry: QueueSettings['retry']
  readonly events: QueueEvents
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Keeps one fetch under way at every broker that leads a lane with room. Trades a little memory (the window) for never letting the
 * handler wait for a broker.
 *
 * For each broker: idle -> fetching (`pump`, when a lane of it wants records; at least 10 ms where it brings little) -> idle and `pump` again. idle -> resting after an error,
 * with jitter and longer each time -> idle. A lane whose partition alone has failed rests by itself, and the others of its broker go on. Where the leaders cannot be learned, all rest. Nobody polls: `pump` is called when a fetch ends, records have left the
 * window, or lanes came or were released.
 */
export class FetchPump {
  private readonly fetching = new Set<number>()
  private planning = false
  private planAgain = false
  /** Those that have failed, until it is time to ask them again. */
  private readonly resting = new Map<number, NodeJS.Timeout>()
  private readonly failures = new Map<number, number>()
  private readonly restingLanes = new Map<PartitionLane, NodeJS.Timeout>()
  private readonly laneFailures = new WeakMap<PartitionLane, number>()
  private readonly closing = new AbortController()
  private recordBytes = FIRST_RECORD_BYTES
  /** Since when (monotonic clock) the brokers have owed us an answer; null while nothing is asked. */
  private owedSinceMs: number | null = null
  /** The same of each broker; those of which nothing is asked are not in it. */
  private readonly brokerOwesSinceMs = new Map<number, number>()
  private lastFetchAtMs: number | null = null

  constructor(private readonly options: FetchPumpOptions) {}

  /** Wall time of the last answer; null before the first. */
  get lastFetchAt(): number | null {
    return this.lastFetchAtMs
  }

  /** How long the brokers have owed us an answer. */
  get silentMs(): number {
    return this.owedSinceMs === null ? 0 : this.options.clock.monotonicMs() - this.owedSinceMs
  }

  /** Those that have owed an answer for so long, though others may have answered. */
  silentBrokers(forMs: number): number[] {
    const sinceMs = this.options.clock.monotonicMs() - forMs
    return Array.from(this.brokerOwesSinceMs)
      .filter(([, owesSinceMs]) => owesSinceMs < sinceMs)
      .map(([broker]) => broker)
  }

  pump(): void {
    if (this.closing.signal.aborted || this.resting.has(ALL)) return
    if (this.planning) {
      this.planAgain = true
      return
    }
    const lanes = this.hungryLanes()
    if (lanes.length === 0) {
      if (this.fetching.size === 0) this.owedSinceMs = null
      this.forgetBrokers(new Map())
      return
    }
    this.owedSinceMs ??= this.options.clock.monotonicMs()
    void this.plan(lanes)
  }

  close(): void {
    this.closing.abort()
    for (const timer of this.resting.values()) clearTimeout(timer)
    for (const timer of this.restingLanes.values()) clearTimeout(timer)
  }

  private hungryLanes(): PartitionLane[] {
    if (!this.options.window.hasRoom) return []
    const share = this.options.laneShare()
    return Array.from(this.options.lanes).filter((lane) => lane.wantsRecords && lane.pendingRecords < share && !this.restingLanes.has(lane))
  }

  private async plan(lanes: readonly PartitionLane[]): Promise<void> {
    this.planning = true
    this.planAgain = false
    try {
      const leaders = (await this.options.reader.leaders(lanes)) as ReadonlyMap<number, readonly PartitionLane[]>
      if (this.closing.signal.aborted) return
      if (leaders.size === 0) throw new Error('no partition of this member has a leader')
      this.failures.delete(ALL)
      this.forgetBrokers(leaders)
      const haveLeader = new Set(Array.from(leaders.values()).flat())
      for (const lane of lanes)
        if (!haveLeader.has(lane)) this.restLane(lane, new Error(`the partition ${lane.topic}[${lane.partition}] has no leader`))
      for (const [broker, led] of leaders) if (!this.fetching.has(broker) && !this.resting.has(broker)) void this.fetchFrom(broker, led)
    } catch (error) {
      this.rest(ALL, error as Error)
    } finally {
      this.planning = false
    }
    if (this.planAgain) this.pump()
  }

  private async fetchFrom(broker: number, lanes: readonly PartitionLane[]): Promise<void> {
    const { clock } = this.options
    const positions = lanes.map(({ topic, partition, position, topicId }) => ({ topic, partition, offset: position, topicId }))
    const startedMs = clock.monotonicMs()
    this.fetching.add(broker)
    if (!this.brokerOwesSinceMs.has(broker)) this.brokerOwesSinceMs.set(broker, startedMs)
    try {
      const fetched = await this.options.reader.fetch(broker, positions, this.limits(lanes.length))
      this.owedSinceMs = null
      this.brokerOwesSinceMs.delete(broker)
      this.lastFetchAtMs = clock.nowMs()
      this.failures.delete(broker)
      this.take(fetched, lanes, positions)
      const leftMs = startedMs + MIN_FETCH_INTERVAL_MS - clock.monotonicMs()
      if (leftMs > 0 && sizeOf(fetched) < FULL_FETCH_BYTES) await waitMs(leftMs, this.closing.signal)
    } catch (error) {
      this.rest(broker, error as Error)
    } finally {
      this.fetching.delete(broker)
    }
    this.pump()
  }

  private limits(lanes: number): FetchLimits {
    const { window, maxBytes, maxWaitMs } = this.options
    const room = Math.min(window.freeBytes, window.freeRecords * this.recordBytes)
    const bytes = Math.min(maxBytes, Math.max(MIN_FETCH_BYTES, Math.ceil(room)))
    return { maxBytes: bytes, maxPartitionBytes: lanes === 1 ? bytes : Math.max(MIN_FETCH_BYTES, Math.ceil(bytes / 2)), maxWaitMs }
  }

  /** Nothing is asked of a broker that leads no hungry lane any more. */
  private forgetBrokers(leaders: ReadonlyMap<number, unknown>): void {
    for (const broker of this.brokerOwesSinceMs.keys()) {
      if (!leaders.has(broker) && !this.fetching.has(broker)) this.brokerOwesSinceMs.delete(broker)
    }
  }

  private take(fetched: readonly FetchedPartition[], lanes: readonly PartitionLane[], positions: readonly FetchPosition[]): void {
    for (const result of fetched) {
      const index = lanes.findIndex(({ topic, partition }) => topic === result.topic && partition === result.partition)
      const lane = lanes[index]
      // Given up, or moved, while the fetch was under way.
      if (lane === undefined || lane.isClosed || isElsewhere(lane, positions[index]!)) continue
      if (result.kind === 'failed') {
        this.restLane(lane, result.error)
        continue
      }
      this.laneFailures.delete(lane)
      if (result.kind === 'out_of_range') this.reset(lane, result.startOffset)
      else if (result.kind === 'made_anew') this.renew(lane, result)
      else this.hand(lane, result)
    }
  }

  private hand(lane: PartitionLane, { records, nextOffset, topicId }: Extract<FetchedPartition, { kind: 'records' }>): void {
    if (records.length > 0) {
      let bytes = 0
      for (const record of records) bytes += record.sizeBytes
      this.options.events.emit('fetched', { topic: lane.topic, records: records.length, sizeBytes: bytes })
      this.recordBytes += (bytes / records.length - this.recordBytes) / 8
    }
    if (nextOffset > lane.position) lane.append(records, nextOffset, topicId)
  }

  private reset(lane: PartitionLane, startOffset: bigint): void {
    const { topic, partition, position } = lane
    this.options.events.emit('offsetReset', { topic, partition, from: position, to: startOffset, cause: 'out_of_range' })
    lane.append([], startOffset)
  }

  private renew(lane: PartitionLane, { topicId, startOffset }: Extract<FetchedPartition, { kind: 'made_anew' }>): void {
    const { topic, partition, position } = lane
    this.options.events.emit('offsetReset', { topic, partition, from: position, to: startOffset, cause: 'made_anew' })
    lane.renew(topicId, startOffset)
  }

  private rest(broker: number, error: Error): void {
    if (this.closing.signal.aborted) return
    const failures = (this.failures.get(broker) ?? 0) + 1
    this.failures.set(broker, failures)
    const { events } = this.options
    const delayMs = this.makeDelayMs(failures)
    events.emit('fetchFailed', { error, attempt: failures + 1, delayMs })
    const timer = setTimeout(() => {
      this.resting.delete(broker)
      this.pump()
    }, delayMs)
    this.resting.set(broker, timer)
  }

  private restLane(lane: PartitionLane, error: Error): void {
    if (this.closing.signal.aborted) return
    const { topic, partition } = lane
    const count = (this.laneFailures.get(lane) ?? 0) + 1
    const delayMs = this.makeDelayMs(count)
    this.laneFailures.set(lane, count)
    this.options.events.emit('partitionFailed', { topic, partition, error, attempt: count + 1, delayMs })
    clearTimeout(this.restingLanes.get(lane))
    const timer = setTimeout(() => {
      this.restingLanes.delete(lane)
      this.pump()
    }, delayMs)
    this.restingLanes.set(lane, timer)
  }

  /** Never at once: what fails at every fetch would get no rest. */
  private makeDelayMs(failures: number): number {
    const { retry, random } = this.options
    return (makeFullJitterMs(failures + 1, retry, () => 1) + makeFullJitterMs(failures + 1, retry, random)) / 2
  }
}

function isElsewhere({ position, topicId }: PartitionLane, asked: FetchPosition): boolean {
  return position !== asked.offset || topicId !== asked.topicId
}

function sizeOf(fetched: readonly FetchedPartition[]): number {
  let bytes = 0
  for (const result of fetched) if (result.kind === 'records') for (const record of result.records) bytes += record.sizeBytes
  return bytes
}
