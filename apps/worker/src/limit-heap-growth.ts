import { setFlagsFromString } from 'node:v8'

/**
 * How far the heap may grow, in percent of what was alive at its last full collection, before the next one. V8 takes up to 300 on a machine
 * with much memory: a worker at full load then holds three times what it needs, and a container's limit is what it costs. At 50 the peak
 * was a third lower for about a twentieth more CPU time (docs/adr/0009). V8 reads it at the end of each collection, so that it may be set
 * at any time; NODE_OPTIONS wins where it says something of the kind.
 */
const GROWTH_PERCENT = 50

export function limitHeapGrowth(): void {
  const told = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  if (!told.includes('heap-growing-percent')) setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
