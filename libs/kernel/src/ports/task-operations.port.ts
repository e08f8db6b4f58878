import type { EventError, Outcome } from '#libs/contracts'
import type { ClaimedTask } from '../task.js'
import type { RunEnd } from './ledger.port.js'

/** Who changes something, and why. It is written down with every change, in its transaction. */
export interface Change {
  readonly actor: string
  readonly reason: string
}

export type UnfinishedState = 'pending' | 'running' | 'held'

/** What is left out matches everything. */
export interface TaskFilter {
  readonly states?: readonly UnfinishedState[]
  readonly tenant?: string
  readonly type?: string
  /** The gate or error class for which the task waits. */
  readonly reason?: string
  /** Accepted longer ago than this. */
  readonly olderThanMs?: number
}

/** A task whose run has not ended, as an operator sees it. */
export interface UnfinishedTask {
  /** Its number in the ledger: by it changes are made. */
  readonly id: number
  readonly tenant: string
  readonly taskId: string
  readonly type: string
  readonly state: UnfinishedState
  /** Why it waits; null: for a free stream or, where it is not the head of its key, for an earlier task. */
  readonly reason: string | null
  readonly isHead: boolean
  readonly priority: number
  readonly runAt: Date
  readonly acceptedAt: Date
  readonly run: number
  readonly attempts: number
  readonly maybePaid: number
}

/** A task that was asked for by its id. `task` is null where its run has ended (then `outcome` says how) or there is no such task. */
export interface NamedTask {
  readonly taskId: string
  readonly task: UnfinishedTask | null
  readonly outcome: Outcome | null
}

/** As much of a task as its last result event tells. */
export type CancelledTask = Pick<
  ClaimedTask,
  | 'tenant'
  | 'taskId'
  | 'type'
  | 'run'
  | 'attempts'
  | 'settingsVersion'
  | 'promptVersion'
  | 'acceptedAtMs'
  | 'correlationId'
  | 'traceparent'
  | 'payload'
>

/** The end of a run that an operator cancels. */
export type CancelledEnd = Pick<RunEnd, 'resultEventId' | 'makeResultEvent'> & { readonly error: EventError }

/**
 * What an operator may do to unfinished tasks. Every change is one transaction with its audit row, and is made only to tasks that are in a
 * state for it at that moment: the answer says which were changed. A running task is its worker's, and is never touched.
 */
export abstract class TaskOperations {
  /** Oldest first. */
  abstract list(filter: TaskFilter, limit: number): Promise<UnfinishedTask[]>
  abstract count(filter: TaskFilter): Promise<number>
  /** In the order of the ids. */
  abstract find(tenant: string, taskIds: readonly string[]): Promise<NamedTask[]>
  /**
   * Ends the run of a pending or held task as `cancelled`: terminal record, result event and the next head of its key, as at any other end.
   * false: it was neither when its turn came.
   */
  abstract cancel(id: number, makeEnd: (task: CancelledTask) => CancelledEnd, change: Change): Promise<boolean>
  /** Gives pending tasks another time; null: now. Returns the ids of those that were moved. */
  abstract move(ids: readonly number[], runAt: Date | null, change: Change): Promise<number[]>
  /** Lets held tasks be sent again, with all attempts of their type. Returns the ids of those that were released. */
  abstract release(ids: readonly number[], change: Change): Promise<number[]>
}
