import { SettingsError } from '#libs/config'
import type { RetrySettings } from './retry-settings.js'

type Delays = Pick<RetrySettings, 'initialDelayMs' | 'maxDelayMs'>

/** The same delays. Throws SettingsError where the settings `<prefix>_RETRY_...` contradict each other. */
export function checkDelays(prefix: string, { initialDelayMs, maxDelayMs }: Delays): Delays {
  if (maxDelayMs >= initialDelayMs) return { initialDelayMs, maxDelayMs }
  const problem = `must be at least ${prefix}_RETRY_INITIAL_DELAY_MS (got ${maxDelayMs} < ${initialDelayMs})`
  throw new SettingsError([{ setting: `${prefix}_RETRY_MAX_DELAY_MS`, problem }])
}
