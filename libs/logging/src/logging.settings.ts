import { z } from 'zod'
import { defineSettings } from '#libs/config'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LoggingSettings {
  readonly level: LogLevel
  /** pretty is for people at a terminal and needs the package pino-pretty, which is not installed in production. */
  readonly format: 'json' | 'pretty'
}

export const loggingSettings = defineSettings(
  z.object({
    LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
    LOG_FORMAT: z.enum(['json', 'pretty'], 'must be json or pretty').default('json'),
  }),
  { name: 'logging', make: (env): LoggingSettings => ({ level: env.LOG_LEVEL, format: env.LOG_FORMAT }) },
)
