import type { ErrorCode, TaskMessage } from '#libs/contracts'
import type { ProducedRecord } from '#tools/rig'

/** What must become of a record that the demo sends. */
export type Expectation =
  /** `text` is the exact answer, where the prompt alone tells it; files and templates are rendered first. */
  | { readonly outcome: 'succeeded'; readonly task: TaskMessage; readonly inStorage?: boolean }
  | { readonly outcome: 'failed'; readonly task: TaskMessage; readonly code: ErrorCode }
  /** The record never becomes a task: it is found by its place in Kafka. */
  | { readonly outcome: 'rejected'; readonly code: ErrorCode }
  /** The same task once more: nothing new may come of it. */
  | { readonly outcome: 'repeated'; readonly task: TaskMessage }

/** One record of the demo. */
export interface DemoCase {
  /** The row of the table. */
  readonly kind: string
  readonly record: Omit<ProducedRecord, 'topic'>
  readonly expected: Expectation
}
