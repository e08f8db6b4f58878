import { EventEmitter } from 'node:events'
import type { ErrorCode } from '#libs/contracts'
import type { TaskContext } from '#libs/kernel'
import type { Verdict } from '../pipeline/verdict.js'

/** A delivery that is in the ledger now, as what it was taken for. */
export type TakenDelivery =
  | { readonly result: 'accepted' | 'duplicate'; readonly type: string }
  | { readonly result: 'rejected'; readonly code: ErrorCode }

/** A dispatch whose outcome is stored; `gone` where the task was another worker's by then. */
export interface SettledDispatch {
  readonly context: TaskContext
  readonly outcome: Verdict['outcome']
  readonly code?: ErrorCode
  /** Only of a deferral. */
  readonly deferralClass?: string
}

/** What happens to tasks, for metrics. Listeners never throw. */
export class TaskEvents extends EventEmitter<{ taken: [TakenDelivery]; settled: [SettledDispatch] }> {}
