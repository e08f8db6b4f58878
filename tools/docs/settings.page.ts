import { makeTable } from './markdown.table.js'
import type { Catalogue, SettingFacts } from './settings.catalogue.js'
import { SETTING_GROUPS, type SettingDescription } from './settings.descriptions.js'

const HEAD = ['setting', 'values', 'default', 'what it does']
const INTRODUCTION = `# Settings

<!-- Made by \`npm run docs:settings\` from the schemas of the libraries; a test fails where it differs. -->

Settings are environment variables. An empty one counts as not set. Every setting \`X\` may be given as \`X_FILE\`, the path of a file that
holds the value (a newline at its end is cut off); the file wins. Secrets belong into files.

All of them are checked before anything connects. The service tells every problem at once and ends with exit code 78.

At least one provider must be set up: \`GIGACHAT_CREDENTIALS\` (or a token, a user or a client certificate), or \`OPENAI_BASE_URL\`.`

/** docs/settings.md. Throws where a description has no setting, or a setting no description. */
export function makeSettingsPage(catalogue: Catalogue): string {
  checkDescriptions(catalogue)
  const groups = SETTING_GROUPS.map(({ title, settings }) => {
    const rows = Object.entries(settings).map(([name, description]) => makeRow(name, description, catalogue.get(name)!))
    return `## ${title}\n\n${makeTable([HEAD, ...rows])}`
  })
  return `${[INTRODUCTION, ...groups].join('\n\n')}\n`
}

function checkDescriptions(catalogue: Catalogue): void {
  const described = SETTING_GROUPS.flatMap((group) => Object.keys(group.settings))
  const problems = [
    ...[...catalogue.keys()].filter((name) => !described.includes(name)).map((name) => `${name} has no description`),
    ...described.filter((name) => !catalogue.has(name)).map((name) => `${name} is described, but there is no such setting`),
    ...described.filter((name, index) => described.indexOf(name) !== index).map((name) => `${name} is described twice`),
  ]
  if (problems.length > 0) throw new Error(`${problems.join('\n')}\n(tools/docs/settings.descriptions.ts)`)
}

function makeRow(name: string, { does, secret, pem, defaultIs }: SettingDescription, facts: SettingFacts): string[] {
  return [
    pem ? `\`${name}\` (\`_FILE\`)` : `\`${name}\``,
    facts.values,
    defaultIs ?? describeDefault(name, facts),
    secret ? `Secret. ${does}` : does,
  ]
}

function describeDefault(name: string, { defaultValue, required }: SettingFacts): string {
  if (required) return '**must be set**'
  if (defaultValue === undefined) return ''
  const text = `\`${String(defaultValue)}\``
  return name.endsWith('_BYTES') ? `${text}${describeSize(Number(defaultValue))}` : text
}

function describeSize(bytes: number): string {
  const [size, unit] = [
    [1024 ** 3, 'GiB'],
    [1024 ** 2, 'MiB'],
    [1024, 'KiB'],
  ].find(([each]) => bytes % Number(each) === 0) ?? [0, '']
  return size ? ` (${bytes / Number(size)} ${unit})` : ''
}
