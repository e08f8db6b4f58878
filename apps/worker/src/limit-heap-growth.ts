import { setFlagsFromString } from 'node:v8'

/**
 * How far the heap may grow, in percent of what was alive at its last full collection, before the next one. V8 takes up to 300 on a machine
 * with much memory: a worker at full load then holds three times what it needs, and a container's limit is what it costs. What this trades
 * is in docs/adr/0009. V8 reads it at the end of each collection, so that it may be set at any time.
 */
const GROWTH_PERCENT = 50
const FLAG = /heap[-_]growing[-_]percent/

/** Unless Node was started with such a flag. (Node takes it from its command line only, not from NODE_OPTIONS.) */
export function limitHeapGrowth(): void {
  if (!process.execArgv.some((flag) => FLAG.test(flag))) setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
