/**
 * What a supervisor is told about the one process that it keeps: a line of JSON on its standard input, since everybody on the machine
 * can read arguments.
 */
export interface SupervisedCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
  /** Standard output and error are appended here. */
  readonly logFile: string
  /** Set when the process runs as somebody else than its owner; only root can ask for that. */
  readonly user?: ProcessUser
  /** Asks the process to end with its data in order. */
  readonly gracefulSignal: NodeJS.Signals
  /** Ends the process at once, where its data will be thrown away or nobody is left to wait. */
  readonly abandonSignal: NodeJS.Signals
  /** How long a signal may take before the process group gets SIGKILL. */
  readonly stopLimitMs: number
  /** How the process ends when the owner is gone. */
  readonly orphanPolicy: 'stop' | 'abandon'
  /** What `findDeathGuard` found, if anything. */
  readonly deathGuard: string | undefined
}

export interface ProcessUser {
  readonly uid: number
  readonly gid: number
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One line of JSON each, from the supervisor to the owner. */
export type SupervisorReport =
  | { readonly event: 'started'; readonly pid: number }
  | { readonly event: 'failed'; readonly message: string }
  | ({ readonly event: 'exited' } & ProcessExit)

/** One line each, from the owner to the supervisor. The end of the stream means that the owner is gone. */
export type SupervisorOrder = 'stop' | 'abandon'
