/** Which replica does it. */
export type ReplicaName = 'A' | 'B'

/** One record of a batch: a task of the cast (see `cast.ts`), in the n-th record that carries it, with its own value or another one. */
export interface OfferedRecord {
  readonly task: number
  readonly copy: number
  readonly changed: boolean
}

/** Which claim it is about, counted from the latest: of those that have not ended here, or of all that there ever were. */
export interface Pick {
  readonly back: number
  readonly stale: boolean
}

/** How an open attempt is said to have ended, where one is open. */
export type EndState = 'not_sent' | 'refused' | 'maybe_paid'

/**
 * What happens to a ledger next. Plain values, so that a sequence of them can be kept in a file. `lost`: it happens, but the answer of
 * PostgreSQL does not arrive.
 */
export type LedgerStep =
  | {
      readonly do: 'accept'
      readonly on: ReplicaName
      readonly records: readonly OfferedRecord[]
      readonly room: number
      readonly lost: boolean
    }
  | { readonly do: 'reject'; readonly on: ReplicaName; readonly offset: number }
  | { readonly do: 'claim'; readonly on: ReplicaName; readonly limit: number; readonly oldestFirst?: boolean; readonly lost: boolean }
  | { readonly do: 'open'; readonly pick: Pick; readonly end: 'not_sent' | 'refused'; readonly counts: boolean; readonly lost: boolean }
  | { readonly do: 'answer'; readonly pick: Pick; readonly lost: boolean }
  | { readonly do: 'finish'; readonly picks: readonly Pick[]; readonly end: EndState; readonly failed: boolean; readonly lost: boolean }
  | {
      readonly do: 'defer'
      readonly pick: Pick
      readonly end: EndState
      readonly later: boolean
      readonly counts: boolean
      readonly lost: boolean
    }
  | { readonly do: 'hold'; readonly pick: Pick; readonly end: EndState; readonly lost: boolean }
  | { readonly do: 'publish'; readonly on: ReplicaName; readonly count: number }
  | { readonly do: 'sweep'; readonly on: ReplicaName }
  | { readonly do: 'age messages' }
  | { readonly do: 'make due' }
  | { readonly do: 'expire' | 'renew' | 'reap' | 'stop' | 'kill'; readonly on: ReplicaName }
