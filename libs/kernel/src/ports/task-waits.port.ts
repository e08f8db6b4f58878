import type { ErrorCode, Outcome } from '#libs/contracts'
import type { DeferralClass } from '../deferral-class.js'
import type { Lane } from '../lane.js'
import type { MeterCandidate } from './metering.port.js'
import type { UnfinishedState } from './task-operations.port.js'

/** A replica that holds tasks. It is `isAlive` while it renews its lease. */
export interface LeaseFacts {
  readonly id: number
  readonly worker: string
  readonly isAlive: boolean
  readonly expiresAt: Date
}

/** The last attempt of a run. */
export interface LastAttempt {
  readonly number: number
  readonly state: 'sending' | 'not_sent' | 'refused' | 'answered' | 'maybe_paid'
  readonly openedAt: Date
  /** It was opened under the lease that the task is held under now. */
  readonly isOfHolder: boolean
}

/** The task of an ordering key that must end first. */
export interface KeyHead {
  readonly tenant: string
  readonly taskId: string
  readonly state: UnfinishedState
  readonly runAt: Date
  readonly reason: string | null
}

/** Tasks that are due and go, or may go, before it. Counted up to `MAX_COUNTED`. */
export interface DueBefore {
  readonly ofLane: number
  /** Of other lanes of its provider: they share its streams. */
  readonly ofOthers: number
}

export interface WaitingTask {
  readonly id: number
  readonly tenant: string
  readonly taskId: string
  readonly type: string
  readonly lane: Lane
  readonly priority: number
  readonly state: UnfinishedState
  readonly acceptedAt: Date
  readonly deadline: Date | null
  readonly run: number
  readonly attempts: number
  readonly runAt: Date
  readonly isDue: boolean
  readonly reason: string | null
  readonly deferralClass: DeferralClass | null
  readonly deferrals: number
  readonly isHead: boolean
  readonly suspectSince: Date | null
  readonly deaths: number
  readonly crashes: number
  readonly candidate: MeterCandidate
}

/** All that the ledger knows of why a task does not run, at one moment. */
export interface WaitFacts {
  readonly now: Date
  readonly task: WaitingTask
  /** Who runs it; null: nobody. */
  readonly lease: LeaseFacts | null
  /** null: none was opened in this run. */
  readonly lastAttempt: LastAttempt | null
  /** null: it is the head itself, or the next head is just being chosen. */
  readonly keyHead: KeyHead | null
  /** Tasks of its key before it. */
  readonly keyBefore: number
  /** Replicas whose leases are renewed. */
  readonly workers: number
  /** The due task of its lane that goes first; null: none is due. */
  readonly laneFirst: { readonly taskId: string; readonly candidate: MeterCandidate } | null
  readonly dueBefore: DueBefore
}

export interface EndedRun {
  readonly run: number
  readonly outcome: Outcome
  readonly finishedAt: Date
  readonly errorCode: ErrorCode | null
}

export type FoundWait =
  | { readonly kind: 'unfinished'; readonly facts: WaitFacts }
  | { readonly kind: 'finished'; readonly end: EndedRun }
  | { readonly kind: 'unknown' }

/** Why tasks wait, as far as the ledger knows. It only reads. */
export abstract class TaskWaits {
  /** Tasks are counted up to this: counting costs as much as there are. */
  static readonly MAX_COUNTED = 10_000

  abstract find(tenant: string, taskId: string): Promise<FoundWait>
}
