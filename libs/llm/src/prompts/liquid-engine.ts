import { Liquid } from 'liquidjs'
import { makeBlock } from './file-block.js'

/** Characters of one template. */
const PARSE_LIMIT = 200_000
/** Milliseconds of one rendering. */
const RENDER_LIMIT = 1_000
/** About bytes, counted by Liquid where a filter or an output makes something new. */
const MEMORY_LIMIT = 64_000_000

/** Tags that read other files, and HTML tables. */
const REMOVED_TAGS = ['include', 'render', 'layout', 'block', 'tablerow']
/** Filters that evaluate their argument, which could be a value of the task, as Liquid; and one that gives another prompt every time. */
const REMOVED_FILTERS = ['where_exp', 'reject_exp', 'group_by_exp', 'has_exp', 'find_exp', 'find_index_exp', 'sample']

/**
 * Liquid as prompt templates may use it: strict, without files, own properties only, with limits. Values are data: what a variable holds
 * is never parsed. Lists and objects are written as JSON. `| block` puts a value between marks that it cannot forge.
 */
export function makeLiquidEngine(): Liquid {
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    // `{% if files.notes %}` asks whether there is one.
    lenientIf: true,
    templates: {},
    outputEscape: writeOutput,
    parseLimit: PARSE_LIMIT,
    renderLimit: RENDER_LIMIT,
    memoryLimit: MEMORY_LIMIT,
  })
  for (const tag of REMOVED_TAGS) delete engine.tags[tag]
  for (const filter of REMOVED_FILTERS) engine.unregisterFilter(filter)
  engine.registerFilter('block', (value: unknown, name: unknown) => makeBlock(toText(name), toText(value)))
  return engine
}

interface FilterThis {
  readonly context: { readonly memoryLimit: { use(count: number): void } }
}

/** Charges every output, which Liquid does not: a long value inside a long loop would fill the memory. */
function writeOutput(this: FilterThis, value: unknown): string {
  const text = toText(value)
  this.context.memoryLimit.use(text.length)
  return text
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}
