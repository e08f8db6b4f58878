import { makeTable } from './markdown.table.js'
import type { MetricFacts } from './metrics.catalogue.js'

const HEAD = ['metric', 'type', 'labels', 'what it is']

/** In the order of the page; every module that declares metrics must be here. */
const GROUPS: readonly { readonly title: string; readonly modules: readonly string[] }[] = [
  { title: 'Tasks', modules: ['TasksModule'] },
  { title: 'Models', modules: ['LlmModule'] },
  { title: 'Admission', modules: ['AdmissionModule'] },
  { title: 'Ledger and PostgreSQL', modules: ['DbModule'] },
  { title: 'Kafka', modules: ['QueueModule'] },
  { title: 'S3', modules: ['StorageModule'] },
  { title: 'Service', modules: ['HealthModule', 'MetricsModule', 'ResilienceModule', 'LoggingModule', 'TracingModule'] },
]

const INTRODUCTION = `# Metrics

<!-- Made by \`npm run docs:metrics\` from the modules of the worker; a test fails where it differs. -->

\`/metrics\` on \`HTTP_PORT\` speaks OpenMetrics to those who ask for it, as Prometheus does, with exemplars that name a trace, and else the older text format. Beside
these there are the default metrics of [prom-client](https://github.com/siimon/prom-client#default-metrics): \`process_*\` and \`nodejs_*\` (event loop, heap, garbage
collection).

- Counters start at 0 with each process. What is counted twice there is counted twice here: a record that is offered again after an outage counts again.
- Labels are closed sets: codes, classes and outcomes of lists in the code; types, models, tenants, gates and topics of your settings. Never ids of tasks.
- Where it says "of all replicas", every replica tells the same of all: take \`max\`, not \`sum\`.
- In hand is what PostgreSQL has (\`sluice_ledger_tasks\`): what was accepted and redriven is finished or in hand. Counters of a process that is killed are gone with what came
  after the last scrape; the ledger is not.`

/** docs/metrics.md. Throws where a module has no place on it. */
export function makeMetricsPage(metrics: readonly MetricFacts[]): string {
  const placed = new Set(GROUPS.flatMap(({ modules }) => modules))
  const lost = metrics.filter(({ module }) => !placed.has(module))
  if (lost.length > 0)
    throw new Error(`${lost.map(({ name, module }) => `${name} of ${module} has no group`).join('\n')}\n(tools/docs/metrics.page.ts)`)
  const groups = GROUPS.map(({ title, modules }) => {
    const rows = metrics.filter(({ module }) => modules.includes(module)).map(makeRow)
    return `## ${title}\n\n${makeTable([HEAD, ...rows])}`
  })
  return `${[INTRODUCTION, ...groups].join('\n\n')}\n`
}

function makeRow({ name, type, labels, help }: MetricFacts): string[] {
  return [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help]
}
