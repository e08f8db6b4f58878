import { writeFile } from 'node:fs/promises'
import { WorkerModule } from '../../apps/worker/src/worker.module.js'
import { makeMetricsCatalogue } from './metrics.catalogue.js'
import { makeMetricsPage } from './metrics.page.js'

const PAGE = 'docs/metrics.md'

await writeFile(PAGE, makeMetricsPage(makeMetricsCatalogue(WorkerModule)))
process.stdout.write(`${PAGE} is up to date\n`)
