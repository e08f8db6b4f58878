import type { Change, DeadLetterFilter, RedriveLimits, RedrivePlan } from '#libs/kernel'
import type { RefusedTask, TaskName } from './task-selection.js'

export type RedriveSelection =
  | { readonly kind: 'ids'; readonly tenant: string; readonly taskIds: readonly string[] }
  | { readonly kind: 'filter'; readonly filter: DeadLetterFilter }

export interface RedriveRequest {
  readonly selection: RedriveSelection
  readonly limits: RedriveLimits
  /** Tasks that become due in a second. */
  readonly ratePerSecond: number
  readonly change: Change
}

/** What a redrive would take; of tasks that were named, also those that cannot be redriven. */
export interface RedrivePreview extends RedrivePlan {
  readonly refused: readonly RefusedTask[]
  /** Of these ids there is no task, or retention has taken it. */
  readonly unknown: readonly TaskName[]
}

export interface CreatedRedrive extends RedrivePreview {
  /** null: there is nothing to redrive, and nothing was written down. */
  readonly id: number | null
}
