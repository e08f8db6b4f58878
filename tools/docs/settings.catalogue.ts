import { z } from 'zod'
import type { SettingsSection } from '#libs/config'

type DefaultValue = string | number | boolean | readonly string[] | undefined

/** What the schemas of the libraries know of a setting. */
export interface SettingFacts {
  /** In words. */
  readonly values: string
  /** undefined where it is not set unless somebody sets it. */
  readonly defaultValue: DefaultValue
  readonly required: boolean
}

/** No setting but a plain text takes it, so that each schema tells what it takes instead. */
const UNACCEPTABLE = ','

export type Catalogue = ReadonlyMap<string, SettingFacts>

/** Every setting of these sections by its name. Throws where two sections that share a name disagree about its default. */
export function makeCatalogue(sections: readonly Pick<SettingsSection<object>, 'shape'>[]): Catalogue {
  const catalogue = new Map<string, SettingFacts>()
  for (const section of sections) {
    for (const [name, schema] of Object.entries(section.shape)) {
      const facts = describeSchema(schema as z.ZodType)
      const known = catalogue.get(name)
      catalogue.set(name, known ? merge(name, known, facts) : facts)
    }
  }
  // `X_FILE` is there for every setting; a section that lists one wants to know the path as well.
  return new Map([...catalogue].filter(([name]) => !(name.endsWith('_FILE') && catalogue.has(name.slice(0, -'_FILE'.length)))))
}

function describeSchema(schema: z.ZodType): SettingFacts {
  const unset = schema.safeParse(undefined)
  return { values: describeValues(unwrap(schema)), defaultValue: unset.data as DefaultValue, required: !unset.success }
}

function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? unwrap(schema.unwrap() as z.ZodType) : schema
}

/** The limits of a number stand in no schema that could be read, but in its message. */
function describeValues(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => `\`${option}\``).join(', ')
  const message = schema.safeParse(UNACCEPTABLE).error?.issues[0]?.message
  if (message === undefined) return 'text'
  return message
    .replace(/ \(got .*\)$/, '')
    .replace(/^must (be|hold) (an? )?/, '')
    .replace(` to ${Number.MAX_SAFE_INTEGER}`, '')
}

function merge(name: string, one: SettingFacts, other: SettingFacts): SettingFacts {
  if (JSON.stringify(one.defaultValue) !== JSON.stringify(other.defaultValue)) {
    throw new Error(`${name} has two defaults: ${JSON.stringify(one.defaultValue)} and ${JSON.stringify(other.defaultValue)}`)
  }
  // The stricter of two schemas has more to say.
  const values = one.values.length >= other.values.length && one.values !== 'text' ? one.values : other.values
  return { values, defaultValue: one.defaultValue, required: one.required || other.required }
}
