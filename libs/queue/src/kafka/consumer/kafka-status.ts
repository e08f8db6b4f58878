import { BehaviorSubject, type Observable } from 'rxjs'
import type { TopicPartition } from '../kafka-client.port.js'

export type KafkaState = 'connecting' | 'joining' | 'ready' | 'draining' | 'stopped'

export interface KafkaStatusSnapshot {
  readonly state: KafkaState
  /** What this member owns; empty is a good state too, where there are more members than partitions. */
  readonly assignments: readonly TopicPartition[]
  /** Why it is not ready, or what went wrong last; null after a success. */
  readonly lastError: Error | null
  /** Wall time in milliseconds; null before the first answer. */
  readonly lastFetchAt: number | null
}

/** Where the intake stands: for health checks. `ready` means that the group has answered. */
export class KafkaStatus {
  private readonly subject = new BehaviorSubject<KafkaStatusSnapshot>({
    state: 'connecting',
    assignments: [],
    lastError: null,
    lastFetchAt: null,
  })
  private readLastFetchAt: () => number | null = () => null

  /** Emits on every change but that of `lastFetchAt`. */
  get changes(): Observable<KafkaStatusSnapshot> {
    return this.subject
  }

  get current(): KafkaStatusSnapshot {
    return { ...this.subject.value, lastFetchAt: this.readLastFetchAt() }
  }

  update(change: Partial<Omit<KafkaStatusSnapshot, 'lastFetchAt'>>): void {
    this.subject.next({ ...this.current, ...change })
  }

  watchFetches(readLastFetchAt: () => number | null): void {
    this.readLastFetchAt = readLastFetchAt
  }
}
