import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import type { LogContext } from './log-context.js'
import { describeScope } from './describe-scope.js'
import { limitText } from './limit-text.js'
import type { LogLevel } from './logging.settings.js'
import { makeSafeFields } from './safe-fields.js'

/** Who writes the log. */
export interface LogIdentity {
  readonly service: string
  readonly version: string
}

interface PinoLoggerOptions extends LogIdentity {
  readonly level: LogLevel
  readonly destination: DestinationStream
  readonly context: LogContext
}

/** JSON lines: timestamp, level, service, version, the fields of the work, those of the line, message. */
export function makePinoLogger({ service, version, level, destination, context }: PinoLoggerOptions): Logger {
  const options: LoggerOptions = {
    level,
    base: { service, version },
    messageKey: 'message',
    errorKey: 'error',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }), log: makeSafeFields },
    serializers: { message: describeMessage, err: keep, error: keep },
    mixin: () => describeScope(context.current),
  }
  return pino(options, destination)
}

function describeMessage(message: unknown): string {
  return typeof message === 'string' ? limitText(message) : '[not a text]'
}

/** makeSafeFields has already described errors; pino's own serializer would add to them. */
function keep(described: unknown): unknown {
  return described
}
