import { tmpdir } from 'node:os'
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { defineSettings, envBoolean, envInteger, envUrl, SettingsError } from '#libs/config'
import { checkDelays } from '#libs/resilience'
import { MAX_FOLDER_BYTES } from './spool/spool.folder.js'

/** An empty variable counts as not set, so that the spool has a word for being off. */
const OFF = 'off'

const postgresUrl = () => envUrl('postgres:', 'postgresql:')

export type DbSettings = ReturnType<typeof dbSettings.parse>

/** PostgreSQL: where it is, how long anything may take, and how long a replica's right to its tasks lasts. */
export const dbSettings = defineSettings(
  z.object({
    SLUICE_PROFILE: z.enum(['dev', 'staging', 'prod']).default('dev'),
    DATABASE_URL: postgresUrl(),
    DATABASE_DIRECT_URL: postgresUrl().optional(),
    MIGRATION_DATABASE_URL: postgresUrl().optional(),
    DATABASE_POOL_SIZE: envInteger({ min: 2, max: 200 }).default(10),
    DATABASE_CONNECT_TIMEOUT_MS: envInteger({ min: 100, max: 60_000 }).default(5_000),
    DATABASE_STATEMENT_TIMEOUT_MS: envInteger({ min: 100, max: 600_000 }).default(15_000),
    DATABASE_QUERY_TIMEOUT_MS: envInteger({ min: 100, max: 600_000 }).default(20_000),
    DATABASE_RETRY_INITIAL_DELAY_MS: envInteger({ min: 1, max: 60_000 }).default(50),
    DATABASE_RETRY_MAX_DELAY_MS: envInteger({ min: 1, max: 300_000 }).default(2_000),
    DATABASE_BREAKER_FAILURES: envInteger({ min: 1, max: 1_000 }).default(5),
    DATABASE_BREAKER_OPEN_MS: envInteger({ min: 100, max: 600_000 }).default(1_000),
    MIGRATE_ON_START: envBoolean().optional(),
    LEASE_DURATION_MS: envInteger({ min: 500, max: 600_000 }).default(10_000),
    ANSWERS_WAITING_BYTES: envInteger({ min: 1 }).default(256 * 1024 ** 2),
    ANSWER_SPOOL_DIR: z
      .string()
      .refine((path) => path === OFF || (isAbsolute(path) && Buffer.byteLength(path) <= MAX_FOLDER_BYTES), {
        error: ({ input }) => `must be ${OFF} or an absolute path of at most ${MAX_FOLDER_BYTES} bytes (got "${String(input)}")`,
      })
      .optional(),
    ANSWER_SPOOL_AFTER_MS: envInteger({ min: 10, max: 600_000 }).default(5_000),
    ANSWER_SPOOL_MAX_BYTES: envInteger({ min: 1 }).default(1024 ** 3),
    INTAKE_MAX_PENDING_TASKS: envInteger({ min: 1 }).default(50_000),
    INTAKE_MAX_PENDING_BYTES: envInteger({ min: 1 }).default(2 * 1024 ** 3),
    INTAKE_MAX_DEFERRED_TASKS: envInteger({ min: 1 }).default(200_000),
    INTAKE_MAX_RUNNING_TASKS: envInteger({ min: 1 }).default(50_000),
    HISTORY_RETENTION_DAYS: envInteger({ min: 1, max: 3_650 }).default(30),
    TASK_ID_RETENTION_DAYS: envInteger({ min: 0, max: 36_500 }).default(8),
    LEDGER_BATCH_SIZE: envInteger({ min: 1, max: 5_000 }).default(256),
  }),
  {
    name: 'db',
    make: (env) => {
      if (env.DATABASE_STATEMENT_TIMEOUT_MS >= env.DATABASE_QUERY_TIMEOUT_MS) {
        throw new SettingsError([
          {
            setting: 'DATABASE_STATEMENT_TIMEOUT_MS',
            problem: `must be less than DATABASE_QUERY_TIMEOUT_MS, so that the server gives up first (got ${env.DATABASE_STATEMENT_TIMEOUT_MS} >= ${env.DATABASE_QUERY_TIMEOUT_MS})`,
          },
        ])
      }
      return {
        url: env.DATABASE_URL,
        /** Not through a pooler in transaction mode: for LISTEN and advisory locks. */
        directUrl: env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
        migrationUrl: env.MIGRATION_DATABASE_URL ?? env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
        poolSize: env.DATABASE_POOL_SIZE,
        connectTimeoutMs: env.DATABASE_CONNECT_TIMEOUT_MS,
        statementTimeoutMs: env.DATABASE_STATEMENT_TIMEOUT_MS,
        queryTimeoutMs: env.DATABASE_QUERY_TIMEOUT_MS,
        retry: checkDelays('DATABASE', {
          initialDelayMs: env.DATABASE_RETRY_INITIAL_DELAY_MS,
          maxDelayMs: env.DATABASE_RETRY_MAX_DELAY_MS,
        }),
        breaker: { failures: env.DATABASE_BREAKER_FAILURES, openMs: env.DATABASE_BREAKER_OPEN_MS },
        migrateOnStart: env.MIGRATE_ON_START ?? env.SLUICE_PROFILE === 'dev',
        leaseDurationMs: env.LEASE_DURATION_MS,
        batchSize: env.LEDGER_BATCH_SIZE,
        waitingAnswersBytes: env.ANSWERS_WAITING_BYTES,
        spool: {
          /** undefined: off. */
          parentFolder: env.ANSWER_SPOOL_DIR === OFF ? undefined : (env.ANSWER_SPOOL_DIR ?? tmpdir()),
          afterMs: env.ANSWER_SPOOL_AFTER_MS,
          maxBytes: env.ANSWER_SPOOL_MAX_BYTES,
        },
        retention: {
          historyDays: env.HISTORY_RETENTION_DAYS,
          /** 0 keeps them for ever. */
          identityDays: env.TASK_ID_RETENTION_DAYS === 0 ? undefined : env.TASK_ID_RETENTION_DAYS,
        },
        caps: {
          pendingTasks: env.INTAKE_MAX_PENDING_TASKS,
          pendingBytes: env.INTAKE_MAX_PENDING_BYTES,
          deferredTasks: env.INTAKE_MAX_DEFERRED_TASKS,
          runningTasks: env.INTAKE_MAX_RUNNING_TASKS,
        },
      }
    },
  },
)
