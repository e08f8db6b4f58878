import {
  createAPI,
  fetchV12,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  ResponseError,
  type API,
  type Reader,
} from '@platformatic/kafka'
import { readBatches, type PackedBatch } from './packed-batch.js'

const FETCH = 1
const FIRST_WITH_TOPIC_IDS = 13
const REQUESTS = new Map<number, (...args: never[]) => unknown>([
  [12, fetchV12.createRequest],
  [13, fetchV13.createRequest],
  [14, fetchV14.createRequest],
  [15, fetchV15.createRequest],
  [16, fetchV16.createRequest],
  [17, fetchV17.createRequest],
])

export interface PackedPartition {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
  readonly preferredReadReplica: number
  readonly records: readonly PackedBatch[] | null
}

export interface PackedFetch {
  readonly errorCode: number
  readonly sessionId: number
  readonly responses: readonly { readonly topicId: string; readonly partitions: readonly PackedPartition[] }[]
}

/** The Fetch request of the library, with answers whose batches are not unpacked: the library unpacks all of them, however large they get. */
export function makePackedFetch(version: number): API<unknown[], PackedFetch> {
  const createRequest = REQUESTS.get(version)
  if (createRequest === undefined) throw new Error(`the brokers must know Fetch 12 (Kafka 2.7 or newer); their newest is Fetch ${version}`)
  return createAPI(FETCH, version, createRequest as never, readAnswer)
}

/** https://kafka.apache.org/protocol.html#The_Messages_Fetch; what nobody looks at here is skipped with the tagged fields. */
function readAnswer(_correlationId: number, apiKey: number, version: number, reader: Reader): PackedFetch {
  const errors: Record<string, [number, null]> = {}
  reader.readInt32()
  const errorCode = reader.readInt16()
  if (errorCode !== 0) errors[''] = [errorCode, null]
  const answer: PackedFetch = {
    errorCode,
    sessionId: reader.readInt32(),
    responses: reader.readArray((topic, index) => ({
      topicId: version < FIRST_WITH_TOPIC_IDS ? topic.readString() : topic.readUUID(),
      partitions: topic.readArray((part, partIndex) => {
        const partition = readPartition(part)
        if (partition.errorCode !== 0) errors[`/responses/${index}/partitions/${partIndex}`] = [partition.errorCode, null]
        return partition
      }),
    })),
  }
  reader.readTaggedFields()
  if (Object.keys(errors).length > 0) throw new ResponseError(apiKey, version, errors, answer)
  return answer
}

function readPartition(reader: Reader): PackedPartition {
  const partitionIndex = reader.readInt32()
  const errorCode = reader.readInt16()
  // high_watermark, last_stable_offset, log_start_offset
  reader.skip(24)
  const abortedTransactions = reader.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: r.readInt64() }))
  const preferredReadReplica = reader.readInt32()
  const bytes = reader.readNullableBytes()
  return { partitionIndex, errorCode, abortedTransactions, preferredReadReplica, records: bytes && readBatches(bytes) }
}
