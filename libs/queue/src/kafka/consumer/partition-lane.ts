import type { Delivery, DeliveryBatch, IntakeGate } from '#libs/kernel'
import type { FetchedRecord, TopicPartition } from '../kafka-client.port.js'
import { ContiguousOffsets, type OffsetRun } from './contiguous-offsets.js'
import type { IntakeWindow } from './intake-window.js'
import type { BatchEvent, QueueEvents } from './queue.events.js'

export interface LaneLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  /** Batches. */
  readonly inFlight: number
}

export interface LaneOptions extends TopicPartition {
  readonly startOffset: bigint
  /** null: learned from the first fetch. */
  readonly topicId: string | null
  /** What the group has committed already; null where it has committed nothing yet. */
  readonly committedOffset: bigint | null
  readonly limits: LaneLimits
  readonly window: IntakeWindow
  readonly gate: IntakeGate
  /** Resolves when every delivery of the batch is stored. */
  readonly dispatch: (batch: DeliveryBatch, signal: AbortSignal) => Promise<void>
  readonly retryDelayMs: (attempt: number) => number
  readonly events: QueueEvents
}

/** A batch under way, or rejected and waiting for its next attempt. */
interface Flight {
  readonly batch: DeliveryBatch
  readonly run: OffsetRun
  /** Those of its topic: a later one of the same name counts for itself. */
  readonly offsets: ContiguousOffsets
  readonly event: BatchEvent
  attempt: number
}

/**
 * The records of one partition on their way to the handler, bounded by the window that all lanes share.
 *
 * flowing: up to `inFlight` batches at once, started strictly in offset order, none while the intake gate is closed.
 * flowing -> retrying: a batch was rejected. Nothing new starts, so that nothing overtakes it that has not overtaken it already.
 * retrying: when those in flight have ended, the rejected ones go again, one at a time and oldest first, each failure after a longer
 *   delay, for ever. -> flowing: all of them are stored.
 * held (either mode): nothing starts; `whenIdle` tells when nothing is in flight. Released again when the partition stays.
 * renewing (either mode; `renew`: the topic was made anew): nothing new is taken until all that came from the old topic is stored, so that
 *   nothing overtakes it; the start of the new topic is committable at once, the offsets of the old one are nobody's any more.
 *   -> flowing, at the start of the new topic.
 * closed: what waits is dropped and in-flight batches are no longer counted: their records belong to the partition's next owner.
 *
 * The session owns it; batches that end after `close` change nothing but the window.
 */
export class PartitionLane implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Set by the committer. null: nothing is committed, not even the start. */
  committedOffset: bigint | null
  /** Where the next fetch begins. */
  private nextFetchOffset: bigint
  private topicIdOfRecords: string | null
  private renewing = false
  private waiting: FetchedRecord[] = []
  private head = 0
  private waitingBytes = 0
  private inFlight = 0
  private pending = 0
  private rejected: Flight[] = []
  /** How long the next retry waits once nothing is in flight; 0 after a retry that went well. */
  private retryDelayMs = 0
  private mode: 'flowing' | 'retrying' = 'flowing'
  private held = false
  private retryTimer: NodeJS.Timeout | undefined
  private awaitingGate = false
  private idleListeners: (() => void)[] = []
  private offsets: ContiguousOffsets
  private readonly closing = new AbortController()

  constructor(private readonly options: LaneOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.committedOffset = options.committedOffset
    this.nextFetchOffset = options.startOffset
    this.topicIdOfRecords = options.topicId
    this.offsets = new ContiguousOffsets(options.startOffset)
  }

  get position(): bigint {
    return this.nextFetchOffset
  }

  get topicId(): string | null {
    return this.topicIdOfRecords
  }

  get committable(): bigint {
    return this.offsets.committable
  }

  /** Fetched and not stored. */
  get pendingRecords(): number {
    return this.pending
  }

  /** When (its timestamp) the oldest record was produced that came and is not stored; null where none is known, as while all of them are in flight. */
  get oldestWaitingAtMs(): number | null {
    const record = this.rejected[0]?.batch.deliveries[0] ?? this.waiting[this.head]
    return record?.timestampMs ?? null
  }

  get isClosed(): boolean {
    return this.closing.signal.aborted
  }

  /** A lane that retries takes nothing new: it must not fill the window that the others need. */
  get wantsRecords(): boolean {
    return this.mode === 'flowing' && !this.held && !this.isClosed && !this.renewing
  }

  append(records: readonly FetchedRecord[], nextOffset: bigint, topicId: string | null = this.topicIdOfRecords): void {
    if (this.isClosed) return
    this.topicIdOfRecords = topicId
    let bytes = 0
    for (const record of records) {
      bytes += record.sizeBytes
      this.waiting.push(record)
    }
    this.waitingBytes += bytes
    this.pending += records.length
    this.nextFetchOffset = nextOffset
    if (records.length > 0) this.options.window.take(records.length, bytes)
    else if (this.head === this.waiting.length) this.offsets.markStored(this.offsets.open(nextOffset))
    this.startBatches()
  }

  /** The topic is another one by now: goes on at its start. */
  renew(topicId: string, startOffset: bigint): void {
    this.topicIdOfRecords = topicId
    this.nextFetchOffset = startOffset
    this.offsets = new ContiguousOffsets(startOffset)
    this.committedOffset = null
    this.renewing = this.pending > 0
  }

  hold(): void {
    this.held = true
    clearTimeout(this.retryTimer)
    this.retryTimer = undefined
  }

  release(): void {
    this.held = false
    this.goOn()
  }

  /** Resolves when no batch is in flight. */
  whenIdle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => this.idleListeners.push(resolve))
  }

  close(): void {
    if (this.isClosed) return
    this.hold()
    this.closing.abort(new Error(`${this.topic}[${this.partition}] was given up`))
    this.options.window.give(this.waiting.length - this.head, this.waitingBytes)
    for (const flight of this.rejected) this.options.window.give(flight.event.records, flight.event.sizeBytes)
    this.waiting = []
    this.head = 0
    this.waitingBytes = 0
    this.rejected = []
  }

  private goOn(): void {
    if (this.held) return
    if (this.mode === 'flowing') this.startBatches()
    else if (this.inFlight === 0 && this.retryTimer === undefined) this.scheduleRetry()
  }

  private startBatches(): void {
    while (
      this.mode === 'flowing' &&
      !this.held &&
      this.head < this.waiting.length &&
      this.inFlight < this.options.limits.inFlight &&
      this.isGateOpen()
    ) {
      this.start(this.takeBatch())
    }
  }

  private isGateOpen(): boolean {
    const { gate } = this.options
    if (gate.state.open) return true
    if (this.awaitingGate) return false
    this.awaitingGate = true
    gate.whenOpen(this.closing.signal).then(
      () => {
        this.awaitingGate = false
        this.goOn()
      },
      () => (this.awaitingGate = false),
    )
    return false
  }

  private takeBatch(): Flight {
    const { maxRecords, maxBytes } = this.options.limits
    const start = this.head
    const limit = Math.min(this.waiting.length, start + maxRecords)
    let end = start
    let sizeBytes = 0
    while (end < limit) {
      const next = this.waiting[end]!.sizeBytes
      if (end > start && sizeBytes + next > maxBytes) break
      sizeBytes += next
      end++
    }
    const deliveries: Delivery[] = this.waiting.slice(start, end)
    const endOffset = end < this.waiting.length ? this.waiting[end]!.offset : this.nextFetchOffset
    // Those of the old topic count for nothing in the new one.
    const offsets = this.renewing ? new ContiguousOffsets(endOffset) : this.offsets
    this.dropTaken(end)
    this.waitingBytes -= sizeBytes
    const { topic, partition } = this
    const event = { topic, partition, firstOffset: deliveries[0]!.offset, records: deliveries.length, sizeBytes, attempt: 1 }
    return { batch: { topic, partition, deliveries }, run: offsets.open(endOffset), offsets, event, attempt: 1 }
  }

  private dropTaken(end: number): void {
    this.head = end
    if (end === this.waiting.length) this.waiting = []
    else if (end >= 4_096) this.waiting = this.waiting.slice(end)
    else return
    this.head = 0
  }

  private start(flight: Flight): void {
    const startedAt = performance.now()
    const event = flight.attempt === 1 ? flight.event : { ...flight.event, attempt: flight.attempt }
    this.inFlight++
    this.options.events.emit('batchDispatched', event)
    this.options.dispatch(flight.batch, this.closing.signal).then(
      () => this.onStored(flight, event, performance.now() - startedAt),
      (error: unknown) => this.onRejected(flight, event, toError(error)),
    )
  }

  private onStored(flight: Flight, event: BatchEvent, durationMs: number): void {
    this.inFlight--
    this.pending -= event.records
    // One that was in flight already says nothing about the rejected ones.
    if (flight.attempt > 1) this.retryDelayMs = 0
    if (!this.isClosed) flight.offsets.markStored(flight.run)
    if (this.pending === 0) this.renewing = false
    this.options.events.emit('batchStored', { ...event, durationMs })
    if (this.mode === 'retrying' && this.inFlight === 0 && this.rejected.length === 0) this.mode = 'flowing'
    this.announceIdle()
    this.goOn()
    // Last: room in the window starts the next fetch, which is less urgent than what waits here.
    this.options.window.give(event.records, event.sizeBytes)
  }

  private onRejected(flight: Flight, event: BatchEvent, error: Error): void {
    this.inFlight--
    if (this.isClosed) {
      this.options.window.give(event.records, event.sizeBytes)
      this.announceIdle()
      return
    }
    this.retryDelayMs = this.options.retryDelayMs(flight.attempt)
    flight.attempt++
    this.mode = 'retrying'
    this.rejected.push(flight)
    this.rejected.sort((a, b) => (a.event.firstOffset < b.event.firstOffset ? -1 : 1))
    this.options.events.emit('batchFailed', { ...event, error, retryInMs: this.retryDelayMs })
    this.announceIdle()
    this.goOn()
  }

  private scheduleRetry(): void {
    if (this.retryDelayMs === 0) {
      this.retryOldest()
      return
    }
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined
      this.retryDelayMs = 0
      this.goOn()
    }, this.retryDelayMs)
  }

  private retryOldest(): void {
    if (this.rejected.length > 0 && this.isGateOpen()) this.start(this.rejected.shift()!)
  }

  private announceIdle(): void {
    if (this.inFlight > 0) return
    const listeners = this.idleListeners
    this.idleListeners = []
    for (const listener of listeners) listener()
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('the handler rejected a batch', { cause: thrown })
}
