import type { PartName, PortName, Ports } from '../stack.settings.js'
import type { ServerLog } from '../supervision/server.log.js'
import type { ProcessUser } from '../supervision/supervised.command.js'

/** One run of a server: where its data lies and which ports it was given. */
export interface ServerRun {
  readonly dataFolder: string
  readonly ports: Required<Ports>
  readonly log: ServerLog
}

export interface ServerLaunch {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly user?: ProcessUser
}

/** What is special about one kind of server; `LocalServer` does what is the same for all. */
export interface ServerRecipe {
  readonly part: PartName
  readonly title: string
  readonly portNames: readonly PortName[]
  readonly readyLimitMs: number
  readonly gracefulSignal: NodeJS.Signals
  readonly abandonSignal: NodeJS.Signals
  readonly stopLimitMs: number
  /** What the log says when the server found a port taken. */
  readonly portTaken: RegExp
  /** What the log says when a predecessor that was killed is not quite gone, so that another try will do. */
  readonly predecessorStillThere?: RegExp
  /** Fills a new data folder. */
  initialise(dataFolder: string): Promise<void>
  launch(run: ServerRun): Promise<ServerLaunch>
  /**
   * Looks into the server's own log first: on a port that another stack was faster to take, that stack's server would answer.
   */
  isReady(run: ServerRun): Promise<boolean>
}
