import { SETTING_GROUPS } from './settings.descriptions.js'

/** Only the migration may have it: the service itself needs no right to change the schema. */
const MIGRATION_SECRET = 'MIGRATION_DATABASE_URL'

/** A JSON schema whose `$defs` name the settings. */
interface SchemaOfValues {
  readonly $defs: Readonly<Record<string, object>>
}

/**
 * The chart's values.schema.json with the names of the settings brought up to date, so that `helm` refuses a misspelt name and a secret
 * that stands among the plain settings.
 */
export function updateValuesSchema(text: string): string {
  const schema = JSON.parse(text) as SchemaOfValues
  const described = SETTING_GROUPS.flatMap((group) => Object.entries(group.settings))
  const plain = described.filter(([, { secret }]) => !secret).flatMap(([name, { pem }]) => (pem ? [name, `${name}_FILE`] : [name]))
  const mounted = described.filter(([name, { secret, pem }]) => (secret || pem) && name !== MIGRATION_SECRET).map(([name]) => name)
  const $defs = {
    ...schema.$defs,
    settings: makeObject(plain, 'setting'),
    secretKeys: makeObject(mounted, 'key'),
  }
  return `${JSON.stringify({ ...schema, $defs }, null, 2)}\n`
}

/** Listed one by one, `helm` names the one that does not belong there, and not all that would. */
function makeObject(names: readonly string[], definition: string): object {
  const properties = Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${definition}` }]))
  return { type: 'object', additionalProperties: false, properties }
}
