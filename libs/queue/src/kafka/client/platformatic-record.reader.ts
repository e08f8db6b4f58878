import type { RecordPosition } from '#libs/kernel'
import {
  FetchIsolationLevels,
  findErrorBy,
  ListOffsetTimestamps,
  ProtocolError,
  ResponseError,
  type ClusterMetadata,
} from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import {
  RecordReader,
  type FetchedPartition,
  type FetchedRecord,
  type FetchLimits,
  type FetchPosition,
  type TopicPartition,
} from '../kafka-client.port.js'
import { makeClientOptions } from './client-options.js'
import { explained, explainError } from './explain-error.js'
import type { PackedFetch, PackedPartition } from './packed-fetch.api.js'
import { PackedFetchConsumer } from './packed-fetch.consumer.js'
import { readFetched, type UnpackLimits } from './read-fetched.js'

const NO_ERROR = 0
const OFFSET_OUT_OF_RANGE = 1
const NO_EPOCH = -1
const ASK_AGAIN_MS = 2_000

/**
 * Fetches with the library's Consumer, used as a bare client that joins no group. Its MessagesStream is left aside: it binds a commit
 * function and publishes four diagnostics for every record, counts its buffer in records only, and at a rebalance goes back to the
 * committed offsets of partitions that stay.
 */
export class PlatformaticRecordReader extends RecordReader {
  private readonly consumer: PackedFetchConsumer
  private readonly unpackLimits: UnpackLimits
  private readonly topics: string[]
  /** Topics that the brokers do not tell of, and until when (process clock) they are left out. */
  private readonly refused = new Map<string, number>()

  constructor(settings: QueueSettings) {
    super()
    this.topics = [...settings.topics.tasks]
    this.unpackLimits = { batchBytes: settings.unpackedBatchBytes, answerBytes: settings.window.maxBytes }
    this.consumer = new PackedFetchConsumer({ ...makeClientOptions(settings, 'reader'), groupId: settings.groupId })
    this.consumer.topics.trackAll(...this.topics)
  }

  async leaders(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<number, readonly TopicPartition[]>> {
    const { topics, brokers } = await this.metadata()
    const byLeader = new Map<number, TopicPartition[]>()
    let isStale = false
    for (const partition of partitions) {
      const leader = topics.get(partition.topic)?.partitions[partition.partition]?.leader
      if (leader === undefined || !brokers.has(leader)) {
        isStale = true
        continue
      }
      const led = byLeader.get(leader)
      if (led) led.push(partition)
      else byLeader.set(leader, [partition])
    }
    if (isStale) this.consumer.clearMetadata()
    return byLeader
  }

  async fetch(brokerId: number, positions: readonly FetchPosition[], limits: FetchLimits): Promise<readonly FetchedPartition[]> {
    const { topics } = await this.metadata()
    const old = positions.filter(({ topic, topicId }) => !topics.has(topic) || (topicId !== null && topicId !== topics.get(topic)!.id))
    // First of all, and alone: a topic that was made anew may have an offset that means another record now.
    if (old.length > 0) return Promise.all(old.map((position) => this.findNewStart(position, topics.get(position.topic)?.id)))
    const response = await this.consumer
      .fetch({
        node: brokerId,
        topics: positions.map(({ topic, partition, offset }) => ({
          topicId: topics.get(topic)!.id,
          partitions: [
            {
              partition,
              fetchOffset: offset,
              partitionMaxBytes: limits.maxPartitionBytes,
              currentLeaderEpoch: NO_EPOCH,
              lastFetchedEpoch: NO_EPOCH,
            },
          ],
        })),
        minBytes: 1,
        maxBytes: limits.maxBytes,
        maxWaitTime: limits.maxWaitMs,
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      })
      .then((answer) => answer as unknown as PackedFetch)
      .catch((error: unknown) => this.salvage(error))
    const names = new Map(Array.from(topics, ([name, { id }]) => [id, name]))
    return this.readResponse(response, positions, names)
  }

  async close(): Promise<void> {
    await this.consumer.close(true)
  }

  /** The brokers refuse the whole question for one topic that is gone or forbidden; the others are asked for without it. */
  private async metadata(): Promise<ClusterMetadata> {
    const nowMs = performance.now()
    for (const [topic, untilMs] of this.refused) if (untilMs < nowMs && this.refused.delete(topic)) this.consumer.topics.track(topic)
    const topics = this.topics.filter((topic) => !this.refused.has(topic))
    try {
      return await explained(this.consumer.metadata({ topics }))
    } catch (error) {
      if (topics.length < 2 || !isAboutATopic(error as Error)) throw error
      await this.findRefused(topics)
      return explained(this.consumer.metadata({ topics: this.topics.filter((topic) => !this.refused.has(topic)) }))
    }
  }

  private async findRefused(topics: readonly string[]): Promise<void> {
    const refused: string[] = []
    for (const topic of topics) {
      const error = await this.consumer.metadata({ topics: [topic] }).then(
        () => undefined,
        (thrown: unknown) => explainError(thrown),
      )
      if (error === undefined) continue
      if (!isAboutATopic(error)) throw error
      refused.push(topic)
    }
    if (refused.length === topics.length) return
    for (const topic of refused) {
      this.refused.set(topic, performance.now() + ASK_AGAIN_MS)
      this.consumer.topics.untrack(topic)
    }
  }

  /** One bad partition makes the library throw the whole answer, with what came for the others inside of the error. */
  private salvage(error: unknown): PackedFetch {
    const response = error instanceof ResponseError ? (error as ResponseError & { response?: PackedFetch }).response : undefined
    if (response !== undefined && response.errorCode === NO_ERROR) return response
    // The leader may be another one by now, and the cache would know it only in half a minute.
    this.consumer.clearMetadata()
    throw explainError(error)
  }

  private async readResponse(
    response: PackedFetch,
    positions: readonly FetchPosition[],
    names: ReadonlyMap<string, string>,
  ): Promise<FetchedPartition[]> {
    const fetched: FetchedPartition[] = []
    let room = this.unpackLimits.answerBytes
    for (const { topicId, partitions } of response.responses) {
      const topic = names.get(topicId)
      for (const answer of partitions) {
        const position = positions.find((asked) => asked.topic === topic && asked.partition === answer.partitionIndex)
        if (position === undefined) continue
        if (answer.errorCode !== NO_ERROR) {
          fetched.push(await this.readError(answer.errorCode, position))
          continue
        }
        // What has no room comes again with the next fetch.
        if (room <= 0) continue
        const records = this.unpack(answer, position, topicId, room)
        fetched.push(records)
        if (records.kind === 'records') room -= sumOf(records.records)
      }
    }
    return fetched
  }

  /** What cannot be unpacked is an error of its partition alone: a codec that we do not know, or bytes that are not what they were. */
  private unpack(answer: PackedPartition, position: FetchPosition, topicId: string, room: number): FetchedPartition {
    try {
      return readFetched(answer, position, topicId, { ...this.unpackLimits, answerBytes: room })
    } catch (error) {
      const { topic, partition, offset } = position
      const cause = new Error(`the records of ${topic}[${partition}] at offset ${offset} cannot be unpacked`, { cause: error })
      return { kind: 'failed', topic, partition, error: cause }
    }
  }

  private async readError(errorCode: number, { topic, partition }: RecordPosition): Promise<FetchedPartition> {
    try {
      if (errorCode !== OFFSET_OUT_OF_RANGE) throw new ProtocolError(errorCode)
      return { kind: 'out_of_range', topic, partition, startOffset: await this.findStart({ topic, partition }) }
    } catch (error) {
      this.consumer.clearMetadata()
      return { kind: 'failed', topic, partition, error: explainError(error) }
    }
  }

  private async findNewStart({ topic, partition }: FetchPosition, topicId: string | undefined): Promise<FetchedPartition> {
    try {
      if (topicId === undefined) throw new Error(`the brokers know no topic "${topic}"`)
      return { kind: 'made_anew', topic, partition, topicId, startOffset: await this.findStart({ topic, partition }) }
    } catch (error) {
      this.consumer.clearMetadata()
      return { kind: 'failed', topic, partition, error: explainError(error) }
    }
  }

  /** A broker that refuses a position does not say where its log begins: `logStartOffset` is -1 then. */
  private async findStart({ topic, partition }: TopicPartition): Promise<bigint> {
    const listed = await this.consumer.listOffsets({
      topics: [topic],
      partitions: { [topic]: [partition] },
      timestamp: ListOffsetTimestamps.EARLIEST,
    })
    const start = listed.get(topic)?.[partition]
    if (start === undefined) throw new Error(`the broker does not say where ${topic}[${partition}] begins`)
    return start
  }
}

function sumOf(records: readonly FetchedRecord[]): number {
  let bytes = 0
  for (const { sizeBytes } of records) bytes += sizeBytes
  return bytes
}

/** An unknown topic is a mistake of its user to the library. */
function isAboutATopic({ cause }: Error): boolean {
  const error = cause as Error
  return Boolean(findErrorBy(error, 'code', 'PLT_KFK_USER') ?? findErrorBy(error, 'apiId', 'TOPIC_AUTHORIZATION_FAILED'))
}
