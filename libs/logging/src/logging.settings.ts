import { z } from 'zod'
import { defineSettings, envBoolean, envInteger, envUrl } from '#libs/config'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogDatabaseSettings {
  readonly url: string
  /** Lines below it do not go there. */
  readonly level: LogLevel
  readonly bufferBytes: number
  readonly retentionDays: number
}

export interface LogFileSettings {
  readonly path: string
  readonly maxBytes: number
  readonly maxAgeDays: number
  readonly totalBytes: number
}

export interface LoggingSettings {
  readonly level: LogLevel
  /** pretty is for people at a terminal and needs the package pino-pretty, which is not installed in production. */
  readonly format: 'json' | 'pretty'
  /** undefined: lines do not go to PostgreSQL. */
  readonly database: LogDatabaseSettings | undefined
  /** undefined: lines do not go to a file. */
  readonly file: LogFileSettings | undefined
}

const MEBIBYTE = 1024 * 1024

const level = () => z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)
const postgresUrl = () => envUrl('postgres:', 'postgresql:')

export const loggingSettings = defineSettings(
  z.object({
    LOG_LEVEL: level().default('info'),
    LOG_FORMAT: z.enum(['json', 'pretty'], 'must be json or pretty').default('json'),
    DATABASE_URL: postgresUrl().optional(),
    LOG_DATABASE: envBoolean().default(true),
    LOG_DATABASE_URL: postgresUrl().optional(),
    LOG_DATABASE_LEVEL: level().default('info'),
    LOG_DATABASE_BUFFER_BYTES: envInteger({ min: 64 * 1024, max: 1024 * MEBIBYTE }).default(8 * MEBIBYTE),
    LOG_DATABASE_RETENTION_DAYS: envInteger({ min: 1, max: 3_650 }).default(14),
    LOG_FILE: z.string().optional(),
    LOG_FILE_MAX_BYTES: envInteger({ min: MEBIBYTE }).default(100 * MEBIBYTE),
    LOG_FILE_MAX_AGE_DAYS: envInteger({ min: 1, max: 31 }).default(1),
    LOG_FILE_TOTAL_BYTES: envInteger({ min: MEBIBYTE }).default(1024 * MEBIBYTE),
  }),
  {
    name: 'logging',
    make: (env): LoggingSettings => {
      const url = env.LOG_DATABASE_URL ?? env.DATABASE_URL
      return {
        level: env.LOG_LEVEL,
        format: env.LOG_FORMAT,
        database:
          env.LOG_DATABASE && url !== undefined
            ? {
                url,
                level: env.LOG_DATABASE_LEVEL,
                bufferBytes: env.LOG_DATABASE_BUFFER_BYTES,
                retentionDays: env.LOG_DATABASE_RETENTION_DAYS,
              }
            : undefined,
        file:
          env.LOG_FILE === undefined
            ? undefined
            : {
                path: env.LOG_FILE,
                maxBytes: env.LOG_FILE_MAX_BYTES,
                maxAgeDays: env.LOG_FILE_MAX_AGE_DAYS,
                totalBytes: env.LOG_FILE_TOTAL_BYTES,
              },
      }
    },
  },
)
