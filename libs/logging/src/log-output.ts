import { Injectable, type OnApplicationShutdown } from '@nestjs/common'
import type { DestinationStream } from 'pino'
import { LogStream } from './log-stream.js'
import type { LoggingSettings } from './logging.settings.js'
import { createPrettyStream } from './pretty.stream.js'

const STDOUT = 1
const FLUSH_LIMIT_MS = 1_000

/** Where the process writes its log. It is never closed: modules log until the last moment of a shutdown. */
@Injectable()
export class LogOutput implements OnApplicationShutdown {
  readonly destination: DestinationStream
  private readonly stream: LogStream

  constructor({ format }: LoggingSettings, stream = new LogStream({ fd: STDOUT })) {
    this.stream = stream
    this.destination = (format === 'pretty' ? createPrettyStream() : undefined) ?? stream
    process.once('exit', () => stream.flushSync())
  }

  /** Lines that were lost. */
  get dropped(): number {
    return this.stream.dropped
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stream.flush(FLUSH_LIMIT_MS)
  }
}
