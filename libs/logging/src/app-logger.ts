import { Injectable, type LoggerService } from '@nestjs/common'
import { PinoLogger } from 'nestjs-pino'
import { readLogCall } from './read-log-call.js'

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Nest's logger on pino. Not the ones of nestjs-pino, which write an error beside a message as a second line with its bare stack. */
@Injectable()
export class AppLogger implements LoggerService {
  constructor(private readonly pino: PinoLogger) {}

  verbose(...parts: unknown[]): void {
    this.write('trace', parts)
  }

  debug(...parts: unknown[]): void {
    this.write('debug', parts)
  }

  log(...parts: unknown[]): void {
    this.write('info', parts)
  }

  warn(...parts: unknown[]): void {
    this.write('warn', parts)
  }

  error(...parts: unknown[]): void {
    this.write('error', parts)
  }

  fatal(...parts: unknown[]): void {
    this.write('fatal', parts)
  }

  private write(level: Level, parts: unknown[]): void {
    const { logger } = this.pino
    if (!logger.isLevelEnabled(level)) return
    const { message, fields } = readLogCall(parts)
    logger[level](fields, message)
  }
}
