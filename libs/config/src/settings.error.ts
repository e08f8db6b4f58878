import type { SettingsProblem } from './environment.js'

/** Exit code of sysexits.h for a configuration error. */
export const EXIT_CONFIG = 78

/** Every wrong or missing setting at once. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'

  constructor(readonly problems: readonly SettingsProblem[]) {
    super(
      `${problems.length} wrong or missing setting${problems.length === 1 ? '' : 's'}:\n${problems.map(({ setting, problem }) => `  ${setting}: ${problem}`).join('\n')}`,
    )
  }
}
