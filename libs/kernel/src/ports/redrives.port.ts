import type { Outcome } from '#libs/contracts'
import type { DeadLetterFilter } from './dead-letters.port.js'
import type { Change } from './task-operations.port.js'

/** Numbers of tasks in the ledger and the days on which they were accepted, or all dead letters that match. */
export type RedriveScope =
  | { readonly kind: 'tasks'; readonly tasks: readonly { readonly id: number; readonly acceptedOn: string }[] }
  | { readonly kind: 'filter'; readonly filter: DeadLetterFilter }

export interface RedriveLimits {
  /** true: stored answers are not used, and every task is paid for again. */
  readonly callAgain: boolean
  readonly maxTasks: number
  /** Estimated tokens of the tasks that must call; undefined: any. */
  readonly maxTokens?: number
}

/** What a redrive would take, oldest failure first. */
export interface RedrivePlan {
  /** Dead letters that match, also beyond the limits. */
  readonly matching: number
  /** Of these: not to be redriven, since their deadline has passed and they would have to call. */
  readonly late: number
  readonly tasks: number
  /** Finished from a stored answer, without a call. */
  readonly fromAnswers: number
  /** Estimated, of those that call. */
  readonly tokens: number
}

export interface RedriveOrder {
  readonly scope: RedriveScope
  readonly limits: RedriveLimits
  readonly ratePerSecond: number
  readonly change: Change
  /** What was asked for, as it is shown and audited. */
  readonly selection: Readonly<Record<string, unknown>>
}

/** A task that was asked for by its id, and what stands against its redrive. */
export interface RedriveCandidate {
  readonly taskId: string
  /** null: there is no such task, or retention has taken it. */
  readonly place: { readonly id: number; readonly acceptedOn: string } | null
  /** How its last run stands. */
  readonly now: Outcome | 'pending' | 'running' | 'held' | null
  readonly isLate: boolean
  readonly isAnswered: boolean
}

/**
 * Why a task of a redrive was not started: gone, retention has taken it. id_taken: another task has its id by now. unfinished, not_failed: its
 * last run. ran_since: it was redriven otherwise and has failed again. late: its deadline has passed.
 */
export type RedriveRefusal = 'gone' | 'id_taken' | 'unfinished' | 'not_failed' | 'ran_since' | 'late'

/** starting: not all of its tasks are in the queue yet. started: all are, or have ended. stopped: by an operator. */
export type RedriveState = 'starting' | 'started' | 'stopped'

export interface RedriveProgress {
  readonly state: RedriveState
  readonly started: number
  readonly refused: number
  /** Tasks that are still to be put into the queue. */
  readonly waiting: number
}

export interface RedriveStatus {
  readonly id: number
  readonly state: RedriveState
  readonly actor: string
  readonly reason: string
  readonly selection: Readonly<Record<string, unknown>>
  readonly callAgain: boolean
  readonly ratePerSecond: number
  readonly createdAt: Date
  readonly tasks: number
  readonly tokens: number
  readonly waiting: number
  readonly unfinished: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  readonly expired: number
  readonly refused: number
  readonly takenBack: number
  /** The first ones. */
  readonly refusals: readonly { readonly tenant: string; readonly taskId: string; readonly refusal: RedriveRefusal }[]
}

/**
 * Redrives of dead letters. `create` writes down which tasks; `startNext` puts them into the queue, some at a time, each as run n+1 of its
 * task. Whoever does that may die at any point: another call goes on where the last transaction ended. All changes are audited.
 */
export abstract class Redrives {
  /** In the order of the ids. */
  abstract find(tenant: string, taskIds: readonly string[]): Promise<RedriveCandidate[]>
  abstract plan(scope: RedriveScope, limits: RedriveLimits): Promise<RedrivePlan>
  /** null: there is nothing to redrive. */
  abstract create(order: RedriveOrder): Promise<number | null>
  /** Starts up to `limit` further tasks. A task is started by one redrive only, whoever else tries. null: there is no such redrive. */
  abstract startNext(id: number, limit: number): Promise<RedriveProgress | null>
  /** Starts no more, and takes back what no worker has claimed yet. Returns how many tasks that were; null: there is no such redrive. */
  abstract stop(id: number, change: Change): Promise<number | null>
  abstract status(id: number): Promise<RedriveStatus | null>
  /** The last ones first. */
  abstract list(limit: number): Promise<RedriveStatus[]>
}
