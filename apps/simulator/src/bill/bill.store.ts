import { CallRecord } from './call.record.js'

export interface BillCounters {
  calls: number
  paid: number
  oauthCalls: number
  promptTokens: number
  completionTokens: number
  /** Calls that ended, by HTTP status; 0 = no headers were sent. */
  byStatus: Map<number, number>
  byOutcome: Map<string, number>
}

/**
 * Every call that the simulator has seen. Counters cover all of them; records only the last `maxRecords` at most, kept in two
 * generations: when the young one is full (half of the limit) it becomes the old one and the old one is dropped. That costs nothing
 * per call and never moves memory, at the price of forgetting in big steps.
 */
export class BillStore {
  readonly openedAtMs = Date.now()
  counters = makeCounters()
  #sequence = 0
  #clearedAt = 0
  #old: CallRecord[] = []
  #young: CallRecord[] = []

  constructor(public settings: { detail: boolean; maxRecords: number }) {}

  get lastSequence(): number {
    return this.#sequence
  }

  open(method: string, path: string): CallRecord {
    const record = new CallRecord(++this.#sequence, Date.now() - this.openedAtMs, method, path)
    this.counters.calls++
    if (this.settings.detail) this.#keep(record)
    return record
  }

  /** Called once, when the call has ended and its record is final. */
  settle(record: CallRecord): void {
    if (record.sequence <= this.#clearedAt) return
    record.durationMs = Date.now() - this.openedAtMs - record.atMs
    const { counters } = this
    increment(counters.byStatus, record.status)
    increment(counters.byOutcome, record.outcome)
    if (!record.paid) return
    counters.paid++
    counters.promptTokens += record.promptTokens
    counters.completionTokens += record.completionTokens
  }

  /** Records with a sequence above `since`, oldest first. */
  *recordsSince(since: number): Generator<CallRecord> {
    for (const generation of [this.#old, this.#young]) {
      const first = generation[0]
      if (first === undefined) continue
      for (let index = Math.max(0, since + 1 - first.sequence); index < generation.length; index++) yield generation[index]!
    }
  }

  /** Records that are no longer kept, or never were. */
  get forgotten(): number {
    return this.counters.calls - this.#old.length - this.#young.length
  }

  /** Calls in flight are forgotten too. Sequence numbers go on, so that a reader that pages by `since` cannot mix two bills. */
  clear(): void {
    this.#clearedAt = this.#sequence
    this.counters = makeCounters()
    this.#old = []
    this.#young = []
  }

  #keep(record: CallRecord): void {
    if (this.#young.length >= this.settings.maxRecords / 2) {
      this.#old = this.#young
      this.#young = []
    }
    this.#young.push(record)
  }
}

function makeCounters(): BillCounters {
  return { calls: 0, paid: 0, oauthCalls: 0, promptTokens: 0, completionTokens: 0, byStatus: new Map(), byOutcome: new Map() }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
