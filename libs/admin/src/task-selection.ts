import type { TaskFilter, UnfinishedTask } from '#libs/kernel'

/** Which tasks: by their ids, or all that match (without states: those of the operation are meant). */
export type TaskSelection =
  | { readonly kind: 'ids'; readonly tenant: string; readonly taskIds: readonly string[] }
  | { readonly kind: 'filter'; readonly filter: TaskFilter; readonly limit: number }

export type TaskName = Pick<UnfinishedTask, 'tenant' | 'taskId'>

export interface RefusedTask extends TaskName {
  readonly why: string
}

/** What became of a selection. `matching` counts all that match, also beyond the limit. With `dryRun` nothing was changed and `tasks` would be. */
export interface OperationReport {
  readonly dryRun: boolean
  readonly matching: number
  readonly tasks: readonly TaskName[]
  readonly refused: readonly RefusedTask[]
  /** Of these ids there is no task. */
  readonly unknown: readonly TaskName[]
}
