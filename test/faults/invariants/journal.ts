import type { ErrorCode, Outcome } from '#libs/contracts'
import type { Acknowledged, PlacedRecord, TaskProducer } from '#tools/rig'

/** What must become of a record, as its producer knows it. */
export type Fate =
  | { readonly kind: 'task'; readonly taskId: string; readonly text?: string; readonly outcome?: Outcome }
  /** The same value once more: it belongs to the task and is nothing of its own. */
  | { readonly kind: 'repeat'; readonly taskId: string }
  | { readonly kind: 'rejected'; readonly code: ErrorCode }

export interface JournalRecord {
  readonly record: PlacedRecord
  readonly fate: Fate
}

export interface AckedRecord extends Acknowledged {
  readonly key: string | null
  readonly fate: Fate
}

/** The producer's own book: what the brokers have acknowledged, where it lies and what must become of it. */
export class ProducerJournal {
  readonly acked: AckedRecord[] = []

  constructor(private readonly producer: TaskProducer) {}

  async send(entries: readonly JournalRecord[]): Promise<void> {
    const places = await this.producer.sendPlaced(entries.map(({ record }) => record))
    entries.forEach(({ record, fate }, index) => this.acked.push({ ...places[index]!, key: record.key ?? null, fate }))
  }

  /** Tasks that must end, each once. */
  get taskIds(): Set<string> {
    return new Set(this.acked.flatMap(({ fate }) => (fate.kind === 'task' ? [fate.taskId] : [])))
  }

  get rejections(): number {
    return this.acked.filter(({ fate }) => fate.kind === 'rejected').length
  }
}
