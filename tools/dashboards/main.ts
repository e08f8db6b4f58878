import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BOARDS } from './boards/index.js'
import { makeDashboard } from './make-dashboard.js'

const FOLDER = 'helm/sluice/dashboards'

await mkdir(FOLDER, { recursive: true })
for (const [name, board] of Object.entries(BOARDS)) {
  await writeFile(join(FOLDER, `${name}.json`), `${JSON.stringify(makeDashboard(board), undefined, 2)}\n`)
}
process.stdout.write(`${FOLDER} is up to date\n`)
