import { BehaviorSubject, type Observable } from 'rxjs'
import type { TopicPartition } from '../kafka-client.port.js'
import type { PartitionLag } from './lag.watch.js'

export type KafkaState = 'connecting' | 'joining' | 'ready' | 'draining' | 'stopped'

export interface KafkaStatusSnapshot {
  readonly state: KafkaState
  /** What this member owns; empty is a good state too, where there are more members than partitions. */
  readonly assignments: readonly TopicPartition[]
  /** Why it is not ready, or what went wrong last; null after a success. */
  readonly lastError: Error | null
  /** Wall time in milliseconds; null before the first answer. */
  readonly lastFetchAt: number | null
  /** Ids of those that have owed an answer for longer than the stall timeout. */
  readonly silentBrokers: readonly number[]
  /** Of the partitions of this member, as far as their ends are known. */
  readonly lags: readonly PartitionLag[]
}

export type FetchWatch = Pick<KafkaStatusSnapshot, 'lastFetchAt' | 'silentBrokers' | 'lags'>

/** Where the intake stands: for health checks. `ready` means that the group has answered. */
export class KafkaStatus {
  private readonly subject = new BehaviorSubject<KafkaStatusSnapshot>({
    state: 'connecting',
    assignments: [],
    lastError: null,
    lastFetchAt: null,
    silentBrokers: [],
    lags: [],
  })
  private fetches: FetchWatch = { lastFetchAt: null, silentBrokers: [], lags: [] }

  /** Emits on every change but those of what is watched. */
  get changes(): Observable<KafkaStatusSnapshot> {
    return this.subject
  }

  get current(): KafkaStatusSnapshot {
    const { lastFetchAt, silentBrokers, lags } = this.fetches
    return { ...this.subject.value, lastFetchAt, silentBrokers, lags }
  }

  update(change: Partial<Omit<KafkaStatusSnapshot, keyof FetchWatch>>): void {
    this.subject.next({ ...this.current, ...change })
  }

  /** Reads from it whenever somebody asks. */
  watchFetches(fetches: FetchWatch): void {
    this.fetches = fetches
  }
}
