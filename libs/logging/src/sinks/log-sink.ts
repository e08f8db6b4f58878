/** A closed list: it is a label. */
export const LOG_SINKS = ['stdout', 'file', 'postgres'] as const
export type LogSinkName = (typeof LOG_SINKS)[number]

/** Where finished lines go. It never throws, never waits for its reader, and keeps a bounded number of bytes. */
export interface LogSink {
  readonly name: LogSinkName
  /** Lines that have arrived, as far as the sink can know. */
  readonly written: number
  /** Lines that were lost. Those that are neither written nor dropped are on their way. */
  readonly dropped: number
  /** One whole line, with its end. */
  write(line: string): void
  /** Resolves when all lines are written or dropped, or after `limitMs`. */
  flush(limitMs: number): Promise<void>
  /** After it every line is dropped. */
  close(limitMs: number): Promise<void>
}
