import { Injectable, type LoggerService } from '@nestjs/common'
import { PinoLogger } from 'nestjs-pino'
import type { LevelSubject } from './levels/log-level.rule.js'
import { LogLevels } from './levels/log-levels.js'
import { LogContext } from './log-context.js'
import { readLogCall } from './read-log-call.js'

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Nest's logger on pino. Not the ones of nestjs-pino, which write an error beside a message as a second line with its bare stack. */
@Injectable()
export class AppLogger implements LoggerService {
  constructor(
    private readonly pino: PinoLogger,
    private readonly levels: LogLevels,
    private readonly context: LogContext,
  ) {
    // Outside of a request it is the one logger of the process.
    levels.onChange((lowest) => (pino.logger.level = lowest))
  }

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
    if (!this.levels.allows(level, this.makeSubject(fields.context))) return
    logger[level](fields, message)
  }

  private makeSubject(module: unknown): LevelSubject {
    const scope = this.context.current
    const { type, taskId } = scope?.pipeline?.subject ?? {}
    const taskType = scope?.fields?.task_type ?? type
    return { module: typeof module === 'string' ? module : undefined, taskType, taskId: scope?.fields?.task_id ?? taskId }
  }
}
