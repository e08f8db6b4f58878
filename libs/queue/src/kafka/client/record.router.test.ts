import { compatibilityPartitioner, type ClusterTopicMetadata } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProducedRecord } from '../kafka-client.port.js'
import { RecordRouter } from './record.router.js'

function makeRecord(key: string | null, topic = 'results'): ProducedRecord {
  return { topic, key: key === null ? null : Buffer.from(key), value: Buffer.from('{}'), headers: [] }
}

/** Partition n is led by broker n % 2. */
function makeTopics(partitionsCount: number): Map<string, ClusterTopicMetadata> {
  const partition = { leaderEpoch: 0, replicas: [], isr: [], offlineReplicas: [] }
  const partitions = Array.from({ length: partitionsCount }, (_, index) => ({ ...partition, leader: index % 2 }))
  const topic = { id: '', partitions, partitionsCount, lastUpdate: 0 }
  return new Map([
    ['results', topic],
    ['dead-letters', topic],
  ])
}

describe(RecordRouter.name, () => {
  it('places keys where the compatible partitioner of the library does', () => {
    const router = new RecordRouter()
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 300 }), (key, count) => {
        const record = makeRecord(key)
        const [routed] = router.route([record], makeTopics(count))
        const partition = compatibilityPartitioner({} as never, record.key!) % count
        expect(routed).toEqual({ topic: 'results', partition, leader: partition % 2, records: [record] })
      }),
    )
  })

  it('takes turns with records without a key, across its calls', () => {
    const router = new RecordRouter()
    const partitions = Array.from({ length: 9 }, () => router.route([makeRecord('same key'), makeRecord(null)], makeTopics(3)))
      .flat()
      .flatMap(({ partition, records }) => records.filter(({ key }) => key === null).map(() => partition))
    expect([0, 1, 2].map((partition) => partitions.filter((other) => other === partition).length)).toEqual([3, 3, 3])
  })

  it('keeps topics apart, and the order of records within a partition', () => {
    const records = ['a', 'b', 'c', 'd'].map((key, index) => makeRecord(key, index % 2 === 0 ? 'results' : 'dead-letters'))
    const routed = new RecordRouter().route(records, makeTopics(1))
    expect(routed.map(({ topic, records: found }) => [topic, found.map(({ key }) => key!.toString()).join('')])).toEqual([
      ['results', 'ac'],
      ['dead-letters', 'bd'],
    ])
  })

  it('names a topic that the brokers do not know', () => {
    expect(() => new RecordRouter().route([makeRecord('k', 'other')], makeTopics(3))).toThrow('no partitions of the topic "other"')
  })
})
