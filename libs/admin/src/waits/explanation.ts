import type { DueBefore, EndedRun, GateReading, LastAttempt, LeaseFacts, WaitingTask } from '#libs/kernel'

/** One thing for which a task waits. It runs when none is left. */
export interface WaitReason {
  /** As a person reads it, as in `streams gigachat`. */
  readonly gate: string
  /** null: it is not counted. */
  readonly value: number | null
  /** null: it has none. */
  readonly limit: number | null
  readonly unit: string | null
  /** When it may go on, as far as this gate goes; null: nobody can know. */
  readonly expectedAt: Date | null
  readonly detail: string
}

interface Unfinished {
  readonly task: WaitingTask
  readonly reasons: readonly WaitReason[]
  /** Every gate of its lane as it stands, whether it blocks or not. */
  readonly gates: readonly GateReading[]
  /** Gates that could not be judged here, and what to do about it. */
  readonly notLookedAt: readonly string[]
}

/** Why a task does not run, or what has become of it. */
export type TaskExplanation =
  | { readonly state: 'unknown' }
  | ({ readonly state: 'finished' } & EndedRun)
  | ({
      readonly state: 'running'
      readonly phase: RunningPhase
      /** Of the call, or of the one whose answer has come; null: none was opened by this worker, so nobody has written down when it began. */
      readonly since: Date | null
      readonly attempt: LastAttempt | null
      readonly lease: LeaseFacts | null
    } & Unfinished)
  | ({ readonly state: 'waiting' } & Unfinished)
  /** Nothing holds it back: a worker takes it when its turn comes. */
  | ({ readonly state: 'due'; readonly before: DueBefore } & Unfinished)

/** calling: a call is under way. finishing: its answer has come. preparing: files are read, or it waits for a stream, or it is being ended. */
export type RunningPhase = 'calling' | 'finishing' | 'preparing'
