import { register } from 'prom-client'
import { listModules } from './module.tree.js'

export interface MetricFacts {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
  /** The module that declares it. */
  readonly module: string
}

interface MetricProvider {
  readonly provide: string
  readonly useFactory: () => unknown
}

/** How @willsoto/nestjs-prometheus names the providers of metrics. */
const TOKEN = 'PROM_METRIC_'

/** Every metric that the modules below `root` declare, by its name. Makes them anew in prom-client's registry, which is empty before and after. */
export function makeMetricsCatalogue(root: unknown): MetricFacts[] {
  register.clear()
  const facts = listModules(root).flatMap(({ name, providers }) =>
    providers.filter(isMetricProvider).map((provider) => readFacts(name, provider)),
  )
  register.clear()
  return facts.toSorted((a, b) => a.name.localeCompare(b.name))
}

function readFacts(module: string, { useFactory }: MetricProvider): MetricFacts {
  const { name, help, labelNames, constructor } = useFactory() as {
    name: string
    help: string
    labelNames: string[]
    constructor: { name: string }
  }
  return { name, help, labels: labelNames, type: constructor.name.toLowerCase(), module }
}

function isMetricProvider(provider: unknown): provider is MetricProvider {
  return typeof provider === 'object' && provider !== null && 'provide' in provider && String(provider.provide).startsWith(TOKEN)
}
