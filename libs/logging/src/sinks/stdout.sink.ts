import type { DestinationStream } from 'pino'
import { LogStream } from '../log-stream.js'
import { createPrettyStream } from '../pretty.stream.js'
import type { LogSink } from './log-sink.js'

const STDOUT = 1

/** It is never closed: modules log until the last moment of a shutdown. */
export class StdoutSink implements LogSink {
  readonly name = 'stdout'
  private readonly destination: DestinationStream
  private offered = 0

  constructor(
    format: 'json' | 'pretty',
    private readonly stream = new LogStream({ fd: STDOUT }),
  ) {
    this.destination = (format === 'pretty' ? createPrettyStream() : undefined) ?? stream
    process.once('exit', () => stream.flushSync())
  }

  get written(): number {
    return this.offered - this.stream.dropped
  }

  get dropped(): number {
    return this.stream.dropped
  }

  write(line: string): void {
    this.offered++
    this.destination.write(line)
  }

  flush(limitMs: number): Promise<void> {
    return this.stream.flush(limitMs)
  }

  close(limitMs: number): Promise<void> {
    return this.flush(limitMs)
  }
}
