/** A worker under measurement, as a process of its own. */
export interface RunningPeer {
  readonly pid: number
  readonly isRunning: boolean
  /** Lets it end what it has begun; rejects when it does not end cleanly. */
  stop(): Promise<void>
}
