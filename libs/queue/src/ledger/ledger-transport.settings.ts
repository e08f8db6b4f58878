import { z } from 'zod'
import { defineSettings, envInteger, SettingsError } from '#libs/config'

/** What a stop must leave a running call beyond its own time limit: storing the answer, finishing the task. */
const MIN_MARGIN_MS = 10_000

export const ledgerTransportSettings = defineSettings(
  z.object({
    LEDGER_CLAIM_BATCH: envInteger({ min: 1, max: 5_000 }).default(256),
    LEDGER_SPARE_TASKS: envInteger({ min: 1, max: 100_000 }).default(512),
    LEDGER_IN_HAND_BYTES: envInteger({ min: 1 }).default(256 * 1024 ** 2),
    LEDGER_POLL_INTERVAL_MS: envInteger({ min: 10, max: 60_000 }).default(500),
    SHUTDOWN_GRACE_MS: envInteger({ min: 0, max: 3_600_000 }).default(135_000),
    LLM_CALL_TIMEOUT_MS: envInteger({ min: 1 }).default(120_000),
  }),
  {
    name: 'ledger-transport',
    make: (env) => {
      if (env.SHUTDOWN_GRACE_MS < env.LLM_CALL_TIMEOUT_MS + MIN_MARGIN_MS) {
        throw new SettingsError([
          {
            setting: 'SHUTDOWN_GRACE_MS',
            problem: `must be at least LLM_CALL_TIMEOUT_MS + ${MIN_MARGIN_MS}, so that a stop breaks off no call (got ${env.SHUTDOWN_GRACE_MS} < ${env.LLM_CALL_TIMEOUT_MS + MIN_MARGIN_MS})`,
          },
        ])
      }
      return {
        claimBatch: env.LEDGER_CLAIM_BATCH,
        spareTasks: env.LEDGER_SPARE_TASKS,
        inHandBytes: env.LEDGER_IN_HAND_BYTES,
        pollIntervalMs: env.LEDGER_POLL_INTERVAL_MS,
        graceMs: env.SHUTDOWN_GRACE_MS,
      }
    },
  },
)

export type LedgerTransportSettings = ReturnType<typeof ledgerTransportSettings.parse>
