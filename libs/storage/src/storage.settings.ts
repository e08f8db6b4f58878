import { z } from 'zod'
import { defineSettings, envBoolean, envInteger, envList, envUrl, SettingsError } from '#libs/config'
import { checkDelays, type BreakerSettings, type RetrySettings } from '#libs/resilience'

export interface StorageSettings {
  readonly endpoint: URL
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** Where answers are written, and files are read from unless a task names another bucket. */
  readonly bucket: string
  /** The buckets that tasks may name; the default one is always among them. */
  readonly inputBuckets: readonly string[]
  /** Ends with a slash. Tasks can never read below it. */
  readonly answersPrefix: string
  readonly createBucket: boolean
  /** Certificates (PEM) that are trusted besides the well-known ones. */
  readonly caBundle: string | undefined
  readonly maxSockets: number
  /** No byte in either direction for this long ends a request; so does a connection that is not made in this time. */
  readonly idleTimeoutMs: number
  readonly totalTimeoutMs: number
  /** One call with all its requests and retries. */
  readonly callTimeoutMs: number
  readonly retry: RetrySettings
  readonly breaker: BreakerSettings
}

const bucketName = z.string().regex(/^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name: 3 to 63 of a-z 0-9 . -')
const prefix = z
  .string()
  .regex(/^(?!\/)(?!.*\.\.)(?!.*\/\/)[\w!.*'()/-]+\/$/, 'must be a prefix that ends with "/", without "..", "//" or a leading "/"')

export const storageSettings = defineSettings(
  z.object({
    S3_ENDPOINT: envUrl('http:', 'https:'),
    S3_ACCESS_KEY: z.string(),
    S3_SECRET_KEY: z.string(),
    S3_REGION: z.string().default('us-east-1'),
    S3_BUCKET: bucketName.default('sluice'),
    S3_INPUT_BUCKETS: envList().pipe(z.array(bucketName)).optional(),
    S3_ANSWERS_PREFIX: prefix.default('answers/'),
    S3_CREATE_BUCKET: envBoolean().default(true),
    S3_CA_BUNDLE: z.string().includes('-----BEGIN CERTIFICATE-----', { message: 'must hold certificates in PEM' }).optional(),
    S3_MAX_SOCKETS: envInteger({ min: 1, max: 1_000 }).default(32),
    S3_IDLE_TIMEOUT_MS: envInteger({ min: 100, max: 600_000 }).default(10_000),
    S3_TOTAL_TIMEOUT_MS: envInteger({ min: 100, max: 600_000 }).default(60_000),
    S3_RETRY_ATTEMPTS: envInteger({ min: 1, max: 20 }).default(4),
    S3_RETRY_BUDGET_MS: envInteger({ min: 0, max: 600_000 }).default(15_000),
    S3_RETRY_INITIAL_DELAY_MS: envInteger({ min: 1, max: 60_000 }).default(100),
    S3_RETRY_MAX_DELAY_MS: envInteger({ min: 1, max: 300_000 }).default(2_000),
    S3_CALL_TIMEOUT_MS: envInteger({ min: 100, max: 3_600_000 }).default(120_000),
    S3_BREAKER_FAILURES: envInteger({ min: 1, max: 1_000 }).default(5),
    S3_BREAKER_OPEN_MS: envInteger({ min: 100, max: 600_000 }).default(5_000),
  }),
  {
    name: 'storage',
    make: (env): StorageSettings => ({
      endpoint: checkEndpoint(new URL(env.S3_ENDPOINT)),
      accessKey: env.S3_ACCESS_KEY,
      secretKey: env.S3_SECRET_KEY,
      region: env.S3_REGION,
      bucket: env.S3_BUCKET,
      inputBuckets: [env.S3_BUCKET, ...(env.S3_INPUT_BUCKETS ?? [])],
      answersPrefix: env.S3_ANSWERS_PREFIX,
      createBucket: env.S3_CREATE_BUCKET,
      caBundle: env.S3_CA_BUNDLE,
      maxSockets: env.S3_MAX_SOCKETS,
      idleTimeoutMs: env.S3_IDLE_TIMEOUT_MS,
      totalTimeoutMs: env.S3_TOTAL_TIMEOUT_MS,
      callTimeoutMs: env.S3_CALL_TIMEOUT_MS,
      retry: {
        attempts: env.S3_RETRY_ATTEMPTS,
        budgetMs: env.S3_RETRY_BUDGET_MS,
        ...checkDelays('S3', { initialDelayMs: env.S3_RETRY_INITIAL_DELAY_MS, maxDelayMs: env.S3_RETRY_MAX_DELAY_MS }),
      },
      breaker: { failures: env.S3_BREAKER_FAILURES, openMs: env.S3_BREAKER_OPEN_MS },
    }),
  },
)

/** The client takes a host and a port only: anything else would be ignored in silence. */
function checkEndpoint(endpoint: URL): URL {
  if (endpoint.pathname === '/' && endpoint.search === '' && endpoint.username === '' && endpoint.password === '') return endpoint
  throw new SettingsError([
    { setting: 'S3_ENDPOINT', problem: 'must be only a scheme, a host and a port; credentials have settings of their own' },
  ])
}
