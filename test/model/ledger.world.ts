import type { ClaimedTask, Ledger, OpenAttempt, OutboxMessage } from '#libs/kernel'
import type { EndState, ReplicaName } from './ledger.step.js'

/** A claim of a task, by whoever made it, and what its holder knows of it. It stays when the replica is gone: it may only have been frozen. */
export interface Holding {
  readonly ledger: Ledger
  /** Lets the ledger lose its next answer. */
  readonly lose: () => void
  readonly task: ClaimedTask
  attempt: OpenAttempt | null
  /** How the attempt ended, as its holder has said; undefined: it is open, or was answered. */
  end: EndState | undefined
  answered: boolean
  /** An attempt may have been opened of which its holder was not told: it can only put the task back. */
  isUnsure: boolean
  ended: boolean
}

export interface WorldReplica {
  readonly ledger: Ledger
  readonly lose: () => void
}

export type WorldState = Readonly<Record<string, readonly unknown[]>>

/** A ledger with two replicas, and all that time and crashes can do to it: in memory, or the real one. */
export abstract class LedgerWorld {
  readonly holdings: Holding[] = []
  /** Messages that replicas have been given and not yet marked. */
  readonly messages: OutboxMessage[] = []

  abstract replica(name: ReplicaName): WorldReplica
  /** Time goes on a little. */
  abstract tick(): void
  abstract expire(name: ReplicaName): Promise<void>
  /** false: the lease was reaped, and another one has been taken. */
  abstract renew(name: ReplicaName): Promise<boolean>
  /** What is freed is due at once. */
  abstract reap(name: ReplicaName): Promise<unknown>
  /** The replica gives its lease back, and starts again. */
  abstract stop(name: ReplicaName): Promise<unknown>
  /** The replica is gone without a word, and starts again. */
  abstract kill(name: ReplicaName): Promise<void>
  abstract makeDue(): Promise<void>
  abstract ageMessages(): Promise<void>
  /** All that is stored, with names in the place of ids and times. */
  abstract read(): Promise<WorldState>
}
