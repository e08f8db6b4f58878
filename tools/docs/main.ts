import { readFile, writeFile } from 'node:fs/promises'
import { WORKER_SETTINGS } from '../../apps/worker/src/settings.js'
import { updateValuesSchema } from './chart.schema.js'
import { makeCatalogue } from './settings.catalogue.js'
import { makeSettingsPage } from './settings.page.js'

const PAGE = 'docs/settings.md'
const VALUES_SCHEMA = 'helm/sluice/values.schema.json'

await writeFile(PAGE, makeSettingsPage(makeCatalogue(WORKER_SETTINGS)))
await writeFile(VALUES_SCHEMA, updateValuesSchema(await readFile(VALUES_SCHEMA, 'utf8')))
process.stdout.write(`${PAGE} and ${VALUES_SCHEMA} are up to date\n`)
