import { defineSettings, envInteger, readYamlFile, SettingsError } from '#libs/config'
import { z } from 'zod'
import { limitsFileSchema, type LimitsFile } from './limits/limits.schema.js'

const NO_LIMITS: LimitsFile = { credentials: {}, tenants: {} }

/** What providers allow, how tenants share it, and when a model that fails is left alone. */
export const admissionSettings = defineSettings(
  z.object({
    LIMITS_FILE: z.string().min(1).optional(),
    LLM_MAX_STREAMS: envInteger({ min: 1, max: 100_000 }).optional(),
    ADMISSION_INTERVAL_MS: envInteger({ min: 20, max: 10_000 }).default(250),
    LEDGER_POLL_INTERVAL_MS: envInteger({ min: 10, max: 60_000 }).default(500),
    LLM_STREAMS_RAISE_INTERVAL_MS: envInteger({ min: 100, max: 600_000 }).default(1_000),
    LLM_BREAKER_FAILURES: envInteger({ min: 1, max: 10_000 }).default(10),
    LLM_BREAKER_OPEN_MS: envInteger({ min: 100, max: 3_600_000 }).default(5_000),
    LLM_BREAKER_MAX_OPEN_MS: envInteger({ min: 100, max: 86_400_000 }).default(120_000),
    LLM_UNPAID_OPEN_MS: envInteger({ min: 100, max: 86_400_000 }).default(60_000),
    LLM_UNPAID_MAX_OPEN_MS: envInteger({ min: 100, max: 86_400_000 }).default(900_000),
  }),
  {
    name: 'admission',
    make: (env) => {
      const problems = [
        ...findInverted('LLM_BREAKER_OPEN_MS', env.LLM_BREAKER_OPEN_MS, 'LLM_BREAKER_MAX_OPEN_MS', env.LLM_BREAKER_MAX_OPEN_MS),
        ...findInverted('LLM_UNPAID_OPEN_MS', env.LLM_UNPAID_OPEN_MS, 'LLM_UNPAID_MAX_OPEN_MS', env.LLM_UNPAID_MAX_OPEN_MS),
      ]
      const { value: limits = NO_LIMITS, problems: inFile } =
        env.LIMITS_FILE === undefined ? { value: NO_LIMITS, problems: [] } : readYamlFile(env.LIMITS_FILE, limitsFileSchema)
      problems.push(
        ...inFile.map(({ path, problem }) => ({ setting: `LIMITS_FILE ${env.LIMITS_FILE}${path === '' ? '' : ` ${path}`}`, problem })),
      )
      problems.push(...findUnreachable(limits, env.LLM_MAX_STREAMS))
      if (problems.length > 0) throw new SettingsError(problems)
      return {
        limits,
        /** undefined: nothing is limited but the streams of each credential. */
        limitsFile: env.LIMITS_FILE,
        /** Of each credential, where it is said outright. */
        maxStreams: env.LLM_MAX_STREAMS,
        intervalMs: env.ADMISSION_INTERVAL_MS,
        idleIntervalMs: Math.max(env.LEDGER_POLL_INTERVAL_MS, env.ADMISSION_INTERVAL_MS),
        raiseEveryMs: env.LLM_STREAMS_RAISE_INTERVAL_MS,
        breakers: {
          failures: env.LLM_BREAKER_FAILURES,
          openMs: env.LLM_BREAKER_OPEN_MS,
          maxOpenMs: env.LLM_BREAKER_MAX_OPEN_MS,
          unpaidMs: env.LLM_UNPAID_OPEN_MS,
          maxUnpaidMs: env.LLM_UNPAID_MAX_OPEN_MS,
        },
      }
    },
  },
)

export type AdmissionSettings = ReturnType<typeof admissionSettings.parse>

/** Calls beyond the connections would hold a stream and wait for one. */
function findUnreachable({ credentials }: LimitsFile, connections: number | undefined) {
  if (connections === undefined) return []
  return Object.entries(credentials).flatMap(([provider, { max_streams: streams = 0 }]) =>
    streams <= connections
      ? []
      : [
          {
            setting: 'LLM_MAX_STREAMS',
            problem: `must be at least credentials.${provider}.max_streams of LIMITS_FILE, since it bounds the connections (got ${connections} < ${streams})`,
          },
        ],
  )
}

function findInverted(low: string, lowMs: number, high: string, highMs: number) {
  return lowMs <= highMs ? [] : [{ setting: low, problem: `must be at most ${high} (got ${lowMs} > ${highMs})` }]
}
