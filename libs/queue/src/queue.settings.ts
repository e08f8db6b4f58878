import { defineSettings, envBoolean, envInteger, envList, SettingsError } from '#libs/config'
import { checkDelays } from '#libs/resilience'
import { z } from 'zod'

const KIB = 1024
const MIB = 1024 * KIB

const schema = z.object({
  SLUICE_PROFILE: z.enum(['dev', 'staging', 'prod']).default('dev'),
  KAFKA_BROKERS: envList(),
  KAFKA_CLIENT_ID: z.string().default('sluice'),
  KAFKA_GROUP_ID: z.string().default('sluice'),
  KAFKA_GROUP_INSTANCE_ID: z.string().optional(),
  KAFKA_GROUP_PROTOCOL: z.enum(['classic', 'consumer']).default('classic'),
  KAFKA_TOPIC_TASKS: envList().default(['llm.tasks']),
  KAFKA_TOPIC_RESULTS: z.string().default('llm.results'),
  KAFKA_TOPIC_DEAD_LETTERS: z.string().default('llm.dead-letters'),
  KAFKA_START_FROM: z.string().transform(parseStartFrom).optional(),
  KAFKA_SASL_MECHANISM: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  KAFKA_SASL_PASSWORD_FILE: z.string().optional(),
  KAFKA_TLS_ENABLED: envBoolean().default(false),
  KAFKA_TLS_CA: z.string().optional(),
  KAFKA_TLS_CERT: z.string().optional(),
  KAFKA_TLS_KEY: z.string().optional(),
  TASK_ID_RETENTION_DAYS: envInteger({ min: 0, max: 36_500 }).default(8),
  KAFKA_CREATE_TOPICS: envBoolean().optional(),
  KAFKA_CREATE_TOPICS_PARTITIONS: envInteger({ min: 1, max: 10_000 }).default(6),
  KAFKA_CREATE_TOPICS_REPLICATION: envInteger({ min: 1, max: 32 }).default(1),
  KAFKA_WINDOW_RECORDS: envInteger({ min: 1, max: 1_000_000 }).default(2_048),
  KAFKA_WINDOW_BYTES: envInteger({ min: MIB, max: 4_096 * MIB }).default(32 * MIB),
  KAFKA_BATCH_RECORDS: envInteger({ min: 1, max: 10_000 }).default(256),
  KAFKA_BATCH_BYTES: envInteger({ min: 1, max: 64 * MIB }).default(MIB),
  KAFKA_BATCHES_IN_FLIGHT: envInteger({ min: 1, max: 256 }).default(4),
  KAFKA_UNPACKED_BATCH_BYTES: envInteger({ min: MIB, max: 1_024 * MIB }).default(64 * MIB),
  KAFKA_FETCH_BYTES: envInteger({ min: KIB, max: 256 * MIB }).default(MIB),
  KAFKA_FETCH_WAIT_MS: envInteger({ min: 1, max: 5_000 }).default(250),
  KAFKA_COMMIT_INTERVAL_MS: envInteger({ min: 10, max: 60_000 }).default(250),
  KAFKA_DRAIN_TIMEOUT_MS: envInteger({ min: 0, max: 60_000 }).default(5_000),
  KAFKA_SESSION_TIMEOUT_MS: envInteger({ min: 6_000, max: 300_000 }).default(10_000),
  KAFKA_REQUEST_TIMEOUT_MS: envInteger({ min: 500, max: 120_000 }).default(10_000),
  KAFKA_STALL_TIMEOUT_MS: envInteger({ min: 2_000, max: 600_000 }).optional(),
  KAFKA_RETRY_INITIAL_DELAY_MS: envInteger({ min: 1, max: 60_000 }).default(100),
  KAFKA_RETRY_MAX_DELAY_MS: envInteger({ min: 100, max: 300_000 }).default(2_000),
  KAFKA_BREAKER_FAILURES: envInteger({ min: 1, max: 1_000 }).default(10),
  KAFKA_BREAKER_OPEN_MS: envInteger({ min: 100, max: 600_000 }).default(2_000),
  KAFKA_COMPRESSION: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('none'),
  KAFKA_PRODUCE_BATCH_RECORDS: envInteger({ min: 1, max: 100_000 }).default(1_000),
  KAFKA_PRODUCE_BATCH_BYTES: envInteger({ min: KIB, max: 64 * MIB }).default(512 * KIB),
  KAFKA_PRODUCE_IN_FLIGHT: envInteger({ min: 1, max: 16 }).default(3),
  KAFKA_PRODUCE_BUDGET_MS: envInteger({ min: 100, max: 120_000 }).default(8_000),
})

/** Where a group begins on a topic that is not empty and on which it has committed nothing: a time is in milliseconds since 1970. */
export type StartFrom = 'earliest' | 'latest' | number

function parseStartFrom(text: string, context: z.RefinementCtx): StartFrom {
  if (text === 'earliest' || text === 'latest') return text
  const timeMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(timeMs)) return timeMs
  context.addIssue({ code: 'custom', message: `must be earliest, latest or a time such as 2026-01-31T09:00:00Z (got "${text}")` })
  return z.NEVER
}

type QueueEnvironment = z.output<typeof schema>

function makeSasl(env: QueueEnvironment) {
  if (env.KAFKA_SASL_MECHANISM === undefined) return undefined
  const missing = (['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const).filter((name) => env[name] === undefined)
  if (missing.length > 0) {
    throw new SettingsError(missing.map((setting) => ({ setting, problem: 'must be set where KAFKA_SASL_MECHANISM is set' })))
  }
  return {
    mechanism: env.KAFKA_SASL_MECHANISM,
    username: env.KAFKA_SASL_USERNAME!,
    password: env.KAFKA_SASL_PASSWORD!,
    /** Read again for every new connection, so that a rotated password needs no restart. */
    passwordFile: env.KAFKA_SASL_PASSWORD_FILE,
  }
}

function makeTls(env: QueueEnvironment) {
  return env.KAFKA_TLS_ENABLED ? { ca: env.KAFKA_TLS_CA, cert: env.KAFKA_TLS_CERT, key: env.KAFKA_TLS_KEY } : undefined
}

/** While a member drains in a classic rebalance it sends no heartbeats; draining and the last commit must fit into its session. */
const LAST_COMMIT_MS = 3_000

function checkDrain(env: QueueEnvironment): void {
  const limit = env.KAFKA_SESSION_TIMEOUT_MS - LAST_COMMIT_MS
  if (env.KAFKA_DRAIN_TIMEOUT_MS <= limit) return
  const problem = `must be at most KAFKA_SESSION_TIMEOUT_MS less ${LAST_COMMIT_MS} (got ${env.KAFKA_DRAIN_TIMEOUT_MS} > ${limit})`
  throw new SettingsError([{ setting: 'KAFKA_DRAIN_TIMEOUT_MS', problem }])
}

function makeQueueSettings(env: QueueEnvironment) {
  checkDrain(env)
  return {
    brokers: env.KAFKA_BROKERS,
    clientId: env.KAFKA_CLIENT_ID,
    groupId: env.KAFKA_GROUP_ID,
    groupInstanceId: env.KAFKA_GROUP_INSTANCE_ID,
    groupProtocol: env.KAFKA_GROUP_PROTOCOL,
    topics: { tasks: env.KAFKA_TOPIC_TASKS, results: env.KAFKA_TOPIC_RESULTS, deadLetters: env.KAFKA_TOPIC_DEAD_LETTERS },
    startFrom: env.KAFKA_START_FROM,
    taskIdDays: env.TASK_ID_RETENTION_DAYS,
    sasl: makeSasl(env),
    tls: makeTls(env),
    createTopics:
      (env.KAFKA_CREATE_TOPICS ?? env.SLUICE_PROFILE === 'dev')
        ? { partitions: env.KAFKA_CREATE_TOPICS_PARTITIONS, replicationFactor: env.KAFKA_CREATE_TOPICS_REPLICATION }
        : undefined,
    window: { maxRecords: env.KAFKA_WINDOW_RECORDS, maxBytes: env.KAFKA_WINDOW_BYTES },
    batch: { maxRecords: env.KAFKA_BATCH_RECORDS, maxBytes: env.KAFKA_BATCH_BYTES, inFlight: env.KAFKA_BATCHES_IN_FLIGHT },
    unpackedBatchBytes: env.KAFKA_UNPACKED_BATCH_BYTES,
    fetch: { maxBytes: env.KAFKA_FETCH_BYTES, maxWaitMs: env.KAFKA_FETCH_WAIT_MS },
    commitIntervalMs: env.KAFKA_COMMIT_INTERVAL_MS,
    drainTimeoutMs: env.KAFKA_DRAIN_TIMEOUT_MS,
    sessionTimeoutMs: env.KAFKA_SESSION_TIMEOUT_MS,
    requestTimeoutMs: env.KAFKA_REQUEST_TIMEOUT_MS,
    stallTimeoutMs: env.KAFKA_STALL_TIMEOUT_MS ?? 2 * env.KAFKA_SESSION_TIMEOUT_MS,
    retry: checkDelays('KAFKA', { initialDelayMs: env.KAFKA_RETRY_INITIAL_DELAY_MS, maxDelayMs: env.KAFKA_RETRY_MAX_DELAY_MS }),
    breaker: { failures: env.KAFKA_BREAKER_FAILURES, openMs: env.KAFKA_BREAKER_OPEN_MS },
    produce: {
      compression: env.KAFKA_COMPRESSION,
      maxRecords: env.KAFKA_PRODUCE_BATCH_RECORDS,
      maxBytes: env.KAFKA_PRODUCE_BATCH_BYTES,
      inFlight: env.KAFKA_PRODUCE_IN_FLIGHT,
      budgetMs: env.KAFKA_PRODUCE_BUDGET_MS,
    },
  }
}

export type QueueSettings = ReturnType<typeof makeQueueSettings>

/** Everything about Kafka: intake and results. */
export const queueSettings = defineSettings(schema, { name: 'queue', make: makeQueueSettings })
