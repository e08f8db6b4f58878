import type { RecordPosition } from './delivery.js'
import type { DeferralClass } from './deferral-class.js'
import type { TaskError } from './task.error.js'

/** A valid task on its way into the ledger. */
export interface NewTask {
  readonly tenant: string
  readonly taskId: string
  readonly type: string
  /** 0 to 9, 9 first. */
  readonly priority: number
  readonly source: RecordPosition
  readonly key: Buffer | null
  /** Set where the task type asks for order per key: tasks with equal bytes run one at a time, in the order of their offsets. */
  readonly orderingKey: Buffer | null
  /** The record's value as it came: JSON in UTF-8. */
  readonly payload: Buffer
  /** SHA-256 of the value: tells a resend from a conflict. */
  readonly payloadHash: Buffer
  readonly traceparent: string | null
  readonly correlationId: string | null
  readonly deadlineMs: number | null
  readonly provider: string
  readonly model: string
  readonly hasFiles: boolean
  /** Prompt and answer together, for admission. */
  readonly estimatedTokens: number
}

/** A delivery that cannot become a task. */
export interface Rejection {
  readonly source: RecordPosition
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly error: TaskError
  readonly eventId: string
  /** The dead letter: JSON in UTF-8. */
  readonly deadLetter: Buffer
}

/**
 * accepted: new, stored. duplicate: the same record again, nothing to do. resend: the same task in a new record; its result event, if
 * its run has ended, is published again. conflict: the same id with another value; nothing was stored.
 */
export type AcceptResult = 'accepted' | 'duplicate' | 'resend' | 'conflict'

/** One send to a provider. `id` goes out as X-Request-ID; `number` is 1-based inside a run. */
export interface OpenAttempt {
  readonly id: string
  readonly number: number
}

/** A complete answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** From the send to the last byte. */
  readonly durationMs: number
  /** From the send to the first byte of the body; not kept. */
  readonly firstByteMs?: number
}

/** An answer with what the ledger keeps beside it, so that a run can be finished from it alone. */
export interface KeptAnswer extends RawAnswer {
  /** `name@version` of the template that made the prompt; left out where there was none. */
  readonly promptVersion?: string
}

export interface StoredAnswer extends KeptAnswer {
  readonly attemptId: string
  readonly attemptNumber: number
}

/** A task that this replica holds and must end or put back. */
export interface ClaimedTask {
  readonly id: number
  /** The day of acceptance (YYYY-MM-DD): the partition in which all rows of the task lie. */
  readonly acceptedOn: string
  readonly acceptedAtMs: number
  /** From when it was due until this claim, by PostgreSQL's clock. */
  readonly waitedMs: number
  readonly tenant: string
  readonly taskId: string
  readonly type: string
  readonly priority: number
  readonly source: RecordPosition
  readonly key: Buffer | null
  readonly orderingKey: Buffer | null
  readonly run: number
  /** Attempts of this run that count against the task type's maximum, the open one included. */
  readonly attempts: number
  /** Ends as `maybe_paid` of this run so far. */
  readonly maybePaid: number
  readonly payload: string
  readonly traceparent: string | null
  readonly correlationId: string | null
  /** By the clock of the replica that has claimed it. */
  readonly deadlineMs: number | null
  readonly provider: string
  readonly model: string
  readonly hasFiles: boolean
  /** Prompt and answer together, as it was estimated at accept. */
  readonly estimatedTokens: number
  readonly settingsVersion: number
  /** The template (`name@version`) with which this run was rendered before: it keeps it. null where it has not been, or has none. */
  readonly promptVersion: string | null
  /** The lease under which this replica holds the task; with `claim` the fence on each of its transitions. */
  readonly leaseId: number
  /** How often the task has been claimed, by anybody: tells this hold from a later one of the same replica. */
  readonly claim: number
  /** Why the run was deferred last, and how often in a row for that; null and 0 where it has not been. */
  readonly deferralClass: DeferralClass | null
  readonly deferrals: number
  /** How often a worker died while this was the only task it held that had met a death before. */
  readonly crashes: number
  /** The one attempt of this run that counts for nothing, after a token was refused, has been opened before. */
  readonly freeAttemptUsed: boolean
  /** null while a task with files is being prepared, after an end as `maybe_paid` that nobody has judged, and where an answer is already stored. */
  readonly attempt: OpenAttempt | null
  /** An answer that was already received, by this run or by an earlier one from which it was redriven: it is never bought again. */
  readonly storedAnswer: StoredAnswer | null
}

/**
 * How an attempt ended without an answer. not_sent: nothing was written to the socket. refused: a complete error response.
 * maybe_paid: something was written and no complete response came, so the provider may have charged for it. answered: only for an answer
 * that was too large to keep; the others end by being recorded.
 */
export interface AttemptEnd {
  readonly attemptId: string
  readonly state: 'not_sent' | 'refused' | 'answered' | 'maybe_paid'
  readonly error: TaskError
  readonly httpStatus?: number
  /** The text that had come before the connection broke, or the body of the error response: for people. */
  readonly excerpt?: string
}
