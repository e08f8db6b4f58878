import { Module, type DynamicModule } from '@nestjs/common'
import { ConfigModule as NestConfigModule } from '@nestjs/config'
import { SettingsError } from './settings.error.js'
import type { Environment, SettingsProblem } from './environment.js'
import type { SettingsSection } from './settings-section.js'

/** Checks the settings of all sections together, so that an operator sees every problem at once. Throws SettingsError. */
export function checkSettings(sections: readonly SettingsSection<object>[], env: Environment): void {
  const problems: SettingsProblem[] = []
  for (const section of sections) {
    try {
      section.parse(env)
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new SettingsError(problems)
}

@Module({})
export class ConfigModule {
  /** Makes the settings of every section injectable by its KEY, everywhere. */
  static forRoot(sections: readonly SettingsSection<object>[]): DynamicModule {
    return {
      module: ConfigModule,
      imports: [NestConfigModule.forRoot({ isGlobal: true, cache: true, ignoreEnvFile: true, load: [...sections] })],
    }
  }
}
