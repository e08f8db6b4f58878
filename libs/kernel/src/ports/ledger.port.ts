import type { Outcome } from '#libs/contracts'
import type { DeferralClass } from '../deferral-class.js'
import type { AcceptResult, AttemptEnd, ClaimedTask, KeptAnswer, NewTask, OpenAttempt, Rejection } from '../task.js'
import type { Lane } from '../lane.js'
import type { ClaimRoom } from './admission.port.js'
import type { Metering } from './metering.port.js'
import type { TokenUsage, ObjectReference, EventError } from '#libs/contracts'

/** A message that waits in the ledger to be published. */
export interface OutboxMessage {
  readonly id: number
  readonly channel: 'results' | 'dead_letters'
  readonly eventId: string
  readonly key: Buffer | null
  readonly value: Buffer
  readonly traceparent: string | null
  readonly correlationId: string | null
}

/** The terminal record of a run. */
export interface RunEnd {
  readonly task: ClaimedTask
  readonly outcome: Outcome
  readonly attemptEnd?: AttemptEnd
  readonly attempts: number
  readonly error?: EventError & { readonly fingerprint: string }
  readonly usage?: TokenUsage
  readonly model?: string
  readonly finishReason?: string
  readonly outputRef?: ObjectReference
  readonly promptVersion?: string
  readonly resultEventId: string
  /** Makes the result event, JSON in UTF-8, once the number of the result inside its ordering key is known. */
  readonly makeResultEvent: (keySequence: number | undefined) => Buffer
  readonly deadLetter?: { readonly eventId: string; readonly value: Buffer }
  /** About how much all this is in a statement: ends are written many at once. */
  readonly sizeBytes: number
}

/** How far a task has come, to be kept together with what happens to it. */
export interface TaskProgress {
  readonly attemptEnd?: AttemptEnd
  /** The template with which the run was rendered. The first that is kept stays the run's. */
  readonly promptVersion?: string
}

export interface NextAttempt extends TaskProgress {
  /** false: the free attempt of the run, which has only one. */
  readonly countsAttempt: boolean
  /** Prompt and answer together, now that the prompt is known; what was estimated at accept where left out. */
  readonly estimatedTokens?: number
  /** Where calls of its lane are metered. */
  readonly metering?: Metering
}

/** A task put back with a later time. */
export interface Deferral extends TaskProgress {
  readonly task: ClaimedTask
  readonly delayMs: number
  /** The gate or error code it waits for. */
  readonly reason: string
  /** The ledger counts how often in a row the run has been deferred for the same class. */
  readonly deferralClass: DeferralClass
  /** false: this try is not counted against the maximum, as when a task only waits for quota. It had an open attempt if `attemptEnd` is given. */
  readonly countsAttempt: boolean
}

/** fenced: the task is no longer this replica's, so nothing was changed. */
export type FinishResult = { readonly kind: 'finished'; readonly outbox: readonly OutboxMessage[] } | { readonly kind: 'fenced' }
export type TransitionResult = 'done' | 'fenced'

/** Who can run tasks at once: what `accept` stores may then be claimed in the same statement. */
export interface InstantClaimer {
  /** Takes streams for tasks of these lanes; none while tasks that are due wait for a claim, or there is no room. */
  takeRoomFor(lanes: readonly Lane[]): ClaimRoom
  /** Starts what was claimed in a room, and gives back the rest of it. `claimed` is left out where the statement has failed. */
  start(room: ClaimRoom, claimed?: readonly ClaimedTask[]): void
}

/**
 * The tables that hold every task, attempt and answer: the truth. Every method resolves only after its commit. All methods throw
 * TaskError `ledger_unavailable` (retryable) when PostgreSQL cannot be reached in time; then nothing is known to have happened, and all
 * of them may be called again with the same arguments.
 */
export abstract class Ledger {
  /** Idempotent by (tenant, taskId). Tasks are stored in the order in which they are offered; many calls share a statement. */
  abstract accept(task: NewTask): Promise<AcceptResult>
  /** Idempotent by the record's position. Returns the dead letters that must now be published. */
  abstract reject(rejections: readonly Rejection[]): Promise<OutboxMessage[]>
  /** Takes due tasks of the room's lanes, and opens an attempt for each that needs neither its files read nor an answer. */
  abstract claim(room: ClaimRoom): Promise<ClaimedTask[]>
  /** Takes up to `limit` tasks whose deadline has passed, whatever they wait for, without an attempt: to be ended. */
  abstract claimLate(limit: number): Promise<ClaimedTask[]>
  /**
   * Opens the next attempt of a held task, after ending the last one if `attemptEnd` is given. null: the task is no longer ours, or an
   * answer of an earlier attempt has come in meanwhile (then the task has been put back and will be claimed with it). Throws TaskError
   * `route_closed` (retryable) when the breaker of its route has opened, `quota_exhausted` (retryable) when a meter
   * refuses it; the task stays ours then.
   */
  abstract openAttempt(task: ClaimedTask, next: NextAttempt): Promise<OpenAttempt | null>
  /** false: so many received answers wait to be stored that nothing may be sent whose answer would join them. One that comes is kept all the same. */
  abstract readonly hasRoomForAnswers: boolean
  /** Stores a received answer, also when the task is no longer ours. The first answer of an attempt stays; idempotent by attempt. */
  abstract recordAnswer(task: ClaimedTask, attempt: OpenAttempt, answer: KeptAnswer): Promise<void>
  abstract finish(end: RunEnd): Promise<FinishResult>
  abstract defer(deferral: Deferral): Promise<TransitionResult>
  /** Parks a task until an operator decides. */
  abstract hold(task: ClaimedTask, reason: string, progress?: TaskProgress): Promise<TransitionResult>
  /** Idempotent: marking a message again does nothing. */
  abstract markPublished(outboxIds: readonly number[]): Promise<void>
  /** Messages older than `olderThanMs` that nobody has published, locked by nobody else. */
  abstract takeUnpublished(olderThanMs: number, limit: number): Promise<OutboxMessage[]>
  /** Nobody takes this message before: it counts as one that is made when the delay ends. */
  abstract postponePublishing(outboxId: number, delayMs: number): Promise<void>
  /**
   * From now on `accept` claims for this one what it has room for, unless an older task is due. Returns how to stop that: resolves when no
   * such statement is under way any more.
   */
  abstract claimAtAccept(claimer: InstantClaimer): () => Promise<void>
}
