import type { CallFacts, Endpoint } from '../http/call.facts.js'
import type { Random } from '../random.js'
import type { Fault, FaultOf } from './fault.schema.js'

export interface FaultTarget {
  readonly endpoint: Endpoint
  readonly path: string
  readonly credential: string
  readonly facts: CallFacts
}

export interface ChosenFaults {
  readonly latency: FaultOf<'latency'> | undefined
  /** At most one rule besides latency is applied to a call: the first one that fires. */
  readonly fault: Exclude<Fault, FaultOf<'latency'>> | undefined
}

interface ActiveRule {
  readonly id: string
  readonly fault: Fault
  readonly prompt: RegExp | undefined
  toSkip: number
  left: number
  hits: number
}

const NOTHING: ChosenFaults = { latency: undefined, fault: undefined }
/** Kinds without a meaning for a whole answer: they must not use up their count on one. */
const STREAM_KINDS: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>(['no_done', 'stream_error', 'coalesce'])

/** The fault rules, in the order in which they were added. */
export class FaultRegistry {
  #rules: ActiveRule[] = []
  #added = 0

  /** Returns the rule's id. A rule with the id of an older one takes its place. */
  add(fault: Fault): string {
    const id = fault.id ?? `fault-${++this.#added}`
    this.remove(id)
    this.#rules.push({
      id,
      fault: { ...fault, id },
      prompt: fault.filter.prompt === undefined ? undefined : new RegExp(fault.filter.prompt, 'u'),
      toSkip: fault.skip,
      left: fault.count ?? Number.POSITIVE_INFINITY,
      hits: 0,
    })
    return id
  }

  remove(id: string): boolean {
    const before = this.#rules.length
    this.#rules = this.#rules.filter((rule) => rule.id !== id)
    return this.#rules.length < before
  }

  clear(): void {
    this.#rules = []
  }

  list(): (Fault & { hits: number; left: number | null })[] {
    return this.#rules.map(({ fault, hits, left }) => ({ ...fault, hits, left: Number.isFinite(left) ? left : null }))
  }

  choose(target: FaultTarget, random: Random): ChosenFaults {
    if (this.#rules.length === 0) return NOTHING
    let latency: ChosenFaults['latency']
    let chosen: ChosenFaults['fault']
    for (const rule of this.#rules) {
      const { fault } = rule
      const wanted = fault.kind === 'latency' ? latency === undefined : chosen === undefined
      if (!wanted || !matches(rule, target) || !fires(rule, random)) continue
      if (fault.kind === 'latency') latency = fault
      else chosen = fault
    }
    return { latency, fault: chosen }
  }
}

function matches({ fault, prompt }: ActiveRule, { endpoint, path, credential, facts }: FaultTarget): boolean {
  const { filter } = fault
  if (filter.endpoint !== '*' && filter.endpoint !== endpoint) return false
  if (STREAM_KINDS.has(fault.kind) && !facts.stream) return false
  if (filter.stream !== undefined && filter.stream !== facts.stream) return false
  if (filter.path !== undefined && filter.path !== path) return false
  if (filter.model !== undefined && filter.model !== facts.model) return false
  if (filter.credential !== undefined && filter.credential !== credential) return false
  if (filter.task !== undefined && !facts.tasks.includes(filter.task)) return false
  return prompt === undefined || prompt.test(facts.promptText())
}

function fires(rule: ActiveRule, random: Random): boolean {
  if (rule.left <= 0) return false
  if (rule.fault.probability < 1 && random() >= rule.fault.probability) return false
  if (rule.toSkip > 0) {
    rule.toSkip--
    return false
  }
  rule.left--
  rule.hits++
  return true
}
