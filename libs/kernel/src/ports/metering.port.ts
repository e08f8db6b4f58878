import type { Lane } from '../lane.js'

/** A count that all replicas share. */
export interface MeterKey {
  readonly meter: string
  /** It starts anew each day (UTC). */
  readonly isDaily: boolean
}

/** A meter, locked. */
export interface MeterLevel extends MeterKey {
  /** YYYY-MM-DD; of a meter that is not daily always the same. */
  readonly day: string
  /** null: nothing has been counted yet. */
  readonly amount: number | null
  /** Since it was last changed. */
  readonly sinceMs: number
}

export interface MeterChange {
  readonly meter: string
  readonly day: string
  readonly amount: number
}

/** What a call may use, taken from the meters before it is sent. */
export interface Reservation {
  /** As calls of its kind have used so far. */
  readonly tokens: number
  /** As much as it may use at the most. */
  readonly maxTokens: number
  /** For `maxTokens`; null: its price is not known. */
  readonly money: number | null
}

/** A task that may be claimed, in the order in which they are due. */
export interface MeterCandidate {
  readonly id: number
  readonly lane: Lane
  readonly estimatedTokens: number
  /** false: it is claimed without a call. */
  readonly needsCall: boolean
  /** The most tasks of its lane that may be admitted; left out: all. */
  readonly room?: number
}

export interface Admitted {
  readonly id: number
  /** null: it needs no call, or none will ever be allowed. */
  readonly reservation: Reservation | null
  /** The call alone may use more than a whole day's limit. */
  readonly exceeds?: { readonly gate: string; readonly cost: number; readonly limit: number }
}

/** Which gate blocks a lane. */
export interface MeterRefusal {
  readonly gate: string
  /** What is used or free, as the gate counts. */
  readonly value: number
  readonly limit: number
  /** When it may pass, as far as can be known. */
  readonly waitMs: number
}

/** Decides by meters which of some tasks may be called for, under the locks of its meters; a refusal takes nothing. Only its last answer counts. */
export interface Metering {
  readonly meters: readonly MeterKey[]
  admit(
    levels: readonly MeterLevel[],
    candidates: readonly MeterCandidate[],
  ): { readonly admitted: readonly Admitted[]; readonly changes: readonly MeterChange[] }
  /** Why fewer of the lane were admitted than there was room for; undefined: no meter is the reason. */
  refusalOf(lane: Lane): MeterRefusal | undefined
  /** May smaller tasks of the lane pass where those that were asked for did not? */
  mayLookFurther(lane: Lane): boolean
}

/** What an attempt has used, once that is known. */
export interface AttemptUse {
  readonly lane: Lane
  readonly attemptId: string
  readonly acceptedOn: string
  readonly taskId: number
  readonly tokens: number
  /** null: its price is not known. */
  readonly money: number | null
  /** The provider has seen no request. */
  readonly wasNotSent: boolean
}

/** What was reserved for an attempt that is booked now. */
export interface Booked {
  readonly use: AttemptUse
  readonly reservation: Reservation
  /** Of the reservation. */
  readonly day: string
}

/** Turns what was really used into changes of meters, under their locks. */
export interface Booking {
  readonly uses: readonly AttemptUse[]
  metersOf(use: AttemptUse): readonly MeterKey[]
  book(levels: readonly MeterLevel[], booked: readonly Booked[]): readonly MeterChange[]
}
