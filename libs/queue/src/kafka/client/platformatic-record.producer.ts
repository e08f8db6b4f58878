import {
  Base,
  compressionsAlgorithms,
  findErrorBy,
  MultipleErrors,
  ProtocolError,
  produceV10,
  produceV11,
  produceV9,
  Writer,
  type Broker,
  type ResponseParser,
} from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import { ProduceError, RecordProducer, type ProducedRecord } from '../kafka-client.port.js'
import { getApi, getConnection, settle } from './base-requests.js'
import { makeClientOptions } from './client-options.js'
import { explainError } from './explain-error.js'
import { encodeProduceRequest, type PartitionBatch } from './produce-request.encoder.js'
import { encodeRecords, makeRecordBatch } from './record-batch.encoder.js'
import { RecordRouter, type RoutedRecords } from './record.router.js'

/** For the replicas; shorter than a request's own timeout by default, so that the broker says what is wrong. */
const ACKS_TIMEOUT_MS = 5_000
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']
/** All versions that look alike; brokers know one of them since 2.8. */
const PARSERS: Readonly<Record<number, ResponseParser<produceV11.ProduceResponse>>> = {
  9: produceV9.parseResponse,
  10: produceV10.parseResponse,
  11: produceV11.parseResponse,
}

/**
 * Produces with requests of its own on the library's connections and metadata (docs/adr/0007): one request for each leader, all at once.
 * It retries nothing. Whatever fails, the leaders are looked for anew by the next send.
 */
export class PlatformaticRecordProducer extends RecordProducer {
  private readonly base: Base
  private readonly timeoutMs: number
  private readonly compression: QueueSettings['produce']['compression']
  private readonly router = new RecordRouter()

  constructor(settings: QueueSettings) {
    super()
    this.base = new Base(makeClientOptions(settings, 'producer'))
    this.timeoutMs = Math.min(settings.requestTimeoutMs, ACKS_TIMEOUT_MS)
    this.compression = settings.produce.compression
  }

  async send(records: readonly ProducedRecord[]): Promise<void> {
    try {
      await this.produce(records)
    } catch (error) {
      this.base.clearMetadata()
      throw toProduceError(error as Error)
    }
  }

  async close(): Promise<void> {
    await this.base.close()
  }

  private async produce(records: readonly ProducedRecord[]): Promise<void> {
    const { topics, brokers } = await this.base.metadata({ topics: topicsOf(records) })
    const byLeader = Map.groupBy(this.router.route(records, topics), ({ leader }) => leader)
    const requests = Array.from(byLeader, ([leader, routed]) => this.request(brokers.get(leader), routed))
    // All of them come to an end first: a retry must not run beside what it repeats.
    const outcomes = await Promise.allSettled(requests)
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
    if (errors.length > 0) throw new MultipleErrors('Producing messages failed.', errors)
  }

  private async request(leader: Broker | undefined, routed: readonly RoutedRecords[]): Promise<void> {
    if (leader === undefined) throw new Error(`the partition ${routed[0]!.partition} of the topic "${routed[0]!.topic}" has no leader`)
    const batches = await Promise.all(routed.map((part) => this.makeBatch(part)))
    const connection = await getConnection(this.base, leader)
    const { key, version } = await getApi(this.base, 'Produce')
    const parser = PARSERS[version]
    if (parser === undefined) throw new Error(`Kafka 2.8 or newer is needed (this one knows Produce up to version ${version})`)
    const times = { timeoutMs: this.timeoutMs, timestampMs: Date.now() }
    const encode = () => Writer.create().append(encodeProduceRequest(batches, times))
    await new Promise((resolve, reject) => connection.send(key, version, encode, parser, true, true, settle(resolve, reject)))
  }

  private async makeBatch({ topic, partition, records }: RoutedRecords): Promise<PartitionBatch> {
    if (this.compression === 'none') return { topic, partition, batch: makeRecordBatch(records) }
    const codec = compressionsAlgorithms[this.compression]
    const plain = encodeRecords(records)
    // Only gzip leaves the event loop alone.
    const bytes = 'compress' in codec ? await codec.compress(plain) : codec.compressSync(plain)
    return { topic, partition, batch: makeRecordBatch(records, { bytes, codec: codec.bitmask }) }
  }
}

function topicsOf(records: readonly ProducedRecord[]): string[] {
  const topics = new Set<string>()
  for (const { topic } of records) topics.add(topic)
  return [...topics]
}

function toProduceError(error: Error): ProduceError {
  return new ProduceError(findKind(error), explainError(error))
}

/** Where one broker has answered and another has not, the cluster counts as there. */
function findKind(error: Error): ProduceError['kind'] {
  if (TOO_LARGE.some((id) => findErrorBy(error, 'apiId', id))) return 'too_large'
  return findErrorBy(error, 'code', ProtocolError.code) ? 'refused' : 'unavailable'
}
