import type { TokenUsage } from '#libs/contracts'
import type { Lane } from '../lane.js'
import type { ClaimedTask } from '../task.js'
import type { TaskError } from '../task.error.js'
import type { SendResult } from './llm-client.port.js'
import type { Metering } from './metering.port.js'

export interface LaneRoom extends Lane {
  /** The most tasks of this lane; as many streams are taken. */
  readonly tasks: number
  /** The one call that finds out whether a closed route works again. */
  readonly isProbe: boolean
}

/** Streams that are taken for one claim, shared out between lanes. */
export interface ClaimRoom {
  /** For tasks that are due; or for those that are just being accepted. */
  readonly kind: 'due' | 'accepted'
  /** The sum of the lanes' tasks. 0: nothing may be claimed now. */
  readonly tasks: number
  readonly lanes: readonly LaneRoom[]
  /** In each lane the task that has been due the longest goes first, whatever its priority; otherwise the highest priority does. */
  readonly oldestFirst?: boolean
  /** Where calls of a lane are metered: decides which of the tasks that are due may be claimed. */
  readonly metering?: Metering
}

/** How a call ended, for what limits the next ones. */
export interface CallEnd {
  readonly kind: SendResult['kind']
  /** Left out where the call was answered. */
  readonly error?: TaskError
}

/** What is known of what an attempt has used. */
export interface AttemptUsage {
  readonly attemptId: string
  /** undefined: the provider has not said, so what was reserved counts as used. */
  readonly usage: Pick<TokenUsage, 'prompt_tokens' | 'completion_tokens' | 'total_tokens'> | undefined
  /** The provider has seen no request. */
  readonly wasNotSent: boolean
}

export interface StreamUse {
  readonly heldMs: number
  /** Left out where the stream was held and nothing was sent. */
  readonly call?: CallEnd
}

/**
 * Decides which calls may start now, over all replicas. A stream is held from before the send until the answer has come or the call has
 * failed. Whoever waits for one stream goes before the next claim.
 */
export abstract class Admission {
  /** Calls that this replica may have under way just now. */
  abstract readonly limit: number
  abstract readonly inUse: number
  /**
   * Tells whether this replica claims tasks at all just now; it does where nothing was said. While it does not, it keeps only the streams that
   * its tasks in hand need, and no right to a probe that they have no use for. Idempotent.
   */
  abstract noteClaiming(isClaiming: boolean): void
  /** Takes streams for at most `wanted` tasks that are due, as far as is known. Every room must be settled. */
  abstract takeRoom(wanted: number): ClaimRoom
  /** Takes streams for tasks that are just being accepted, one lane for each; none where others of their lane are due already. */
  abstract takeRoomFor(lanes: readonly Lane[]): ClaimRoom
  /** Gives back what a claim has not used. `claimed` is left out where the claim has failed. */
  abstract settleRoom(room: ClaimRoom, claimed?: readonly ClaimedTask[]): void
  /** Waits for one stream. Rejects with the signal's reason, or with TaskError `route_closed` (retryable) when no call of the lane may start. */
  abstract acquire(lane: Lane, signal: AbortSignal): Promise<void>
  abstract release(lane: Lane, use: StreamUse): void
  /** What decides by meters whether a call may start; undefined: its lane has none. */
  abstract makeMetering(lane: Lane): Metering | undefined
  /** Tells what an attempt has used. It is booked in the background, once for each attempt. */
  abstract book(task: ClaimedTask, use: AttemptUsage): void
  /** What this use costs by the price list; undefined where the model has no price. */
  abstract costOf(lane: Lane, usage: NonNullable<AttemptUsage['usage']>): number | undefined
  /** Calls the listener when a claim may find something to do. Returns how to stop that. */
  abstract onRoom(listener: () => void): () => void
}
