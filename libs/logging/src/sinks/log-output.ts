import type { OnApplicationShutdown } from '@nestjs/common'
import { pino, type DestinationStream } from 'pino'
import type { LogLevel } from '../logging.settings.js'
import type { LogSink } from './log-sink.js'

const CLOSE_LIMIT_MS = 2_000

/** pino tells a stream that has this symbol the number of the level before each line. */
const WITH_LEVEL = Symbol.for('pino.metadata')

export interface LeveledSink {
  readonly sink: LogSink
  /** Lines below it do not go there; every line where left out. */
  readonly level?: LogLevel
}

interface Route {
  readonly sink: LogSink
  readonly least: number
}

/** Where the process writes its log: every line to each sink, whatever the others do with it. */
export class LogOutput implements OnApplicationShutdown {
  readonly destination: DestinationStream
  private readonly routes: readonly Route[]

  constructor(sinks: readonly LeveledSink[]) {
    this.routes = sinks.map(({ sink, level }) => ({ sink, least: level === undefined ? 0 : rankOf(level) }))
    const { routes } = this
    this.destination = {
      [WITH_LEVEL]: true,
      lastLevel: 0,
      write(line: string): void {
        for (const { sink, least } of routes) if (this.lastLevel >= least) sink.write(line)
      },
    } as DestinationStream & { lastLevel: number }
  }

  get sinks(): readonly LogSink[] {
    return this.routes.map(({ sink }) => sink)
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.sinks.map((sink) => sink.close(CLOSE_LIMIT_MS)))
  }
}

function rankOf(level: LogLevel): number {
  return pino.levels.values[level] ?? Infinity
}
