import { registerAs, type ConfigFactory, type ConfigFactoryKeyHost, type ConfigObject } from '@nestjs/config'
import type { z } from 'zod'
import { SettingsError } from './settings.error.js'
import { resolveSecretFiles, type Environment, type SettingsProblem } from './environment.js'

/** Names of environment variables, each with the schema of its text. */
type Shape = z.ZodRawShape

/**
 * The settings of one library: it owns their names, defaults and checks, and injects them with `@Inject(section.KEY)`. Modules list
 * their sections; ConfigModule checks them all together before anything connects.
 */
export interface SettingsSection<T> extends ConfigFactory, ConfigFactoryKeyHost {
  /** By the name of the environment variable. */
  readonly shape: Shape
  /** Throws SettingsError with every problem of this section. */
  parse(env: Environment): T
}

interface SectionOptions<S extends Shape, T> {
  readonly name: string
  /** Makes the typed settings from the checked environment. May throw SettingsError for settings that contradict each other. */
  readonly make: (env: z.output<z.ZodObject<S>>) => T
}

export function defineSettings<S extends Shape, T extends object>(
  schema: z.ZodObject<S>,
  { name, make }: SectionOptions<S, T>,
): SettingsSection<T> {
  function parse(env: Environment): T {
    const secrets = resolveSecretFiles(env, new Set(Object.keys(schema.shape)))
    const checked = schema.safeParse(withoutEmpty(secrets.env))
    if (checked.success && secrets.problems.length === 0) return make(checked.data)
    throw new SettingsError([...secrets.problems, ...(checked.error?.issues ?? []).map(describeIssue)])
  }
  const factory = registerAs(name, () => parse(process.env) as ConfigObject)
  return Object.assign(factory as ConfigFactory & ConfigFactoryKeyHost, { shape: schema.shape, parse })
}

/** An empty variable is how a chart or a compose file says "not set". */
function withoutEmpty(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''))
}

function describeIssue(issue: z.core.$ZodIssue): SettingsProblem {
  const missing = issue.code === 'invalid_type' && issue.input === undefined
  return {
    setting: issue.path.join('.'),
    problem: missing ? 'is missing: set it in the environment or name a file with the suffix _FILE' : issue.message,
  }
}
