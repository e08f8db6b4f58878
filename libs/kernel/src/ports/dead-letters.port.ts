import type { DeadLetterEvent, Outcome } from '#libs/contracts'

/** What is left out matches everything. Times are of the end of the failed run. */
export interface DeadLetterFilter {
  readonly fingerprint?: string
  readonly code?: string
  readonly tenant?: string
  readonly type?: string
  readonly since?: Date
  readonly until?: Date
}

/** Dead letters that are repaired together. */
export interface DeadLetterGroup {
  readonly fingerprint: string
  readonly code: string
  readonly count: number
  /** How many have a stored answer, from which they can be finished without a call. */
  readonly answered: number
  readonly firstAt: Date
  readonly lastAt: Date
  readonly tenants: readonly string[]
  readonly types: readonly string[]
  /** Of the last one. */
  readonly message: string
  readonly taskId: string
}

/** The last failed run of a task. */
export interface FailedRun {
  readonly tenant: string
  readonly taskId: string
  readonly type: string
  readonly run: number
  readonly code: string
  readonly message: string
  readonly fingerprint: string
  readonly failedAt: Date
  readonly isAnswered: boolean
}

export interface FailedAttempt {
  readonly run: number
  readonly number: number
  readonly id: string
  readonly state: 'sending' | 'not_sent' | 'refused' | 'answered' | 'maybe_paid'
  readonly openedAt: Date
  readonly endedAt: Date | null
  readonly httpStatus: number | null
  readonly errorCode: string | null
  /** The body of an error response, or the text that had come before the connection broke. */
  readonly excerpt: string | null
}

export interface FailedAnswer {
  readonly run: number
  readonly attempt: number
  readonly status: number
  readonly sizeBytes: number
  readonly receivedAt: Date
}

/** Everything of one dead letter, but for the answers' text. */
export interface FailedTask {
  /** `failed`: nobody has redriven it since. Else what has become of it. */
  readonly now: Outcome | 'unfinished'
  readonly letter: DeadLetterEvent
  /** Of all runs, oldest first. */
  readonly attempts: readonly FailedAttempt[]
  readonly answers: readonly FailedAnswer[]
}

/** A record that never became a task. */
export interface RejectedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly code: string
  readonly message: string
  readonly receivedAt: Date
  /** null: it had none. */
  readonly sizeBytes: number | null
}

/** Reads dead letters: runs that failed and whose task nobody has redriven since, and records that never became tasks. */
export abstract class DeadLetters {
  /** The largest groups first. */
  abstract group(filter: DeadLetterFilter, limit: number): Promise<DeadLetterGroup[]>
  /** The last ones first. */
  abstract list(filter: DeadLetterFilter, limit: number): Promise<FailedRun[]>
  /** null: no run of such a task has failed, or retention has taken it. */
  abstract find(tenant: string, taskId: string): Promise<FailedTask | null>
  /** The last ones first. */
  abstract listRejected(limit: number): Promise<RejectedRecord[]>
  abstract findRejected(place: Pick<RejectedRecord, 'topic' | 'partition' | 'offset'>): Promise<DeadLetterEvent | null>
}
