import type { ClusterTopicMetadata } from '@platformatic/kafka'
import type { ProducedRecord } from '../kafka-client.port.js'
import { murmur2 } from './murmur2.js'

/** The records of one partition, in the order in which they came. */
export interface RoutedRecords {
  readonly topic: string
  readonly partition: number
  /** The id of a broker; -1 while there is none. */
  readonly leader: number
  readonly records: ProducedRecord[]
}

const POSITIVE = 0x7fffffff

/** Places a key where the Java client places it, and what has no key on all partitions in turn. */
export class RecordRouter {
  private turn = 0

  route(records: readonly ProducedRecord[], topics: ReadonlyMap<string, ClusterTopicMetadata>): RoutedRecords[] {
    const routed: RoutedRecords[] = []
    const byTopic = new Map<string, RoutedRecords[]>()
    for (const record of records) {
      const { topic, key } = record
      const { partitions, partitionsCount } = topicOf(topics, topic)
      const partition = (key === null ? this.nextTurn() : murmur2(key) & POSITIVE) % partitionsCount
      let byPartition = byTopic.get(topic)
      if (byPartition === undefined) byTopic.set(topic, (byPartition = []))
      let found = byPartition[partition]
      if (found === undefined) {
        found = byPartition[partition] = { topic, partition, leader: partitions[partition]?.leader ?? -1, records: [] }
        routed.push(found)
      }
      found.records.push(record)
    }
    return routed
  }

  private nextTurn(): number {
    return (this.turn = (this.turn + 1) & POSITIVE)
  }
}

function topicOf(topics: ReadonlyMap<string, ClusterTopicMetadata>, name: string): ClusterTopicMetadata {
  const topic = topics.get(name)
  if (topic === undefined || topic.partitionsCount === 0) throw new Error(`the brokers know no partitions of the topic "${name}"`)
  return topic
}
