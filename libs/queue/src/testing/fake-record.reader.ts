import {
  RecordReader,
  type FetchedPartition,
  type FetchLimits,
  type FetchPosition,
  type TopicPartition,
} from '../kafka/kafka-client.port.js'

interface Fetch {
  readonly brokerId: number
  readonly positions: readonly FetchPosition[]
  readonly limits: FetchLimits
  readonly answer: (fetched: readonly FetchedPartition[]) => void
  readonly fail: (error: Error) => void
}

/** A reader whose fetches end when the test answers them. Partition n is led by the broker that `leaderOf` names. */
export class FakeRecordReader extends RecordReader {
  readonly fetches: Fetch[] = []
  leaderOf: (partition: TopicPartition) => number | undefined = () => 1
  leadersError: Error | undefined
  isClosed = false

  get last(): Fetch {
    const fetch = this.fetches.at(-1)
    if (fetch === undefined) throw new Error('nothing was fetched')
    return fetch
  }

  leaders(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<number, readonly TopicPartition[]>> {
    if (this.leadersError) return Promise.reject(this.leadersError)
    const led = partitions.filter((partition) => this.leaderOf(partition) !== undefined)
    return Promise.resolve(Map.groupBy(led, (partition) => this.leaderOf(partition)!))
  }

  fetch(brokerId: number, positions: readonly FetchPosition[], limits: FetchLimits): Promise<readonly FetchedPartition[]> {
    return new Promise((answer, fail) => this.fetches.push({ brokerId, positions, limits, answer, fail }))
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}
