import { BatchStore } from './batches/batch.store.js'
import { BillStore } from './bill/bill.store.js'
import type { CallRecord } from './bill/call.record.js'
import type { ChatRules } from './chat/chat.validation.js'
import { ModelBudgets } from './chat/model.budgets.js'
import { PromptCache } from './chat/prompt.cache.js'
import { FaultRegistry } from './faults/fault.registry.js'
import { FileStore } from './files/file.store.js'
import { makeIdSource } from './identifiers.js'
import { mergePatch } from './merge-patch.js'
import { TokenLimiter } from './oauth/token.limiter.js'
import { TokenStore } from './oauth/token.store.js'
import { makeRandom, type Random } from './random.js'
import { settingsSchema, type SettingsPatch, type SimulatorSettings } from './settings.schema.js'
import { StreamGateRegistry } from './streams/stream-gate.registry.js'

/** All state of one simulator. Nothing here knows of HTTP. */
export class Simulation {
  settings: SimulatorSettings
  random: Random
  readonly bill: BillStore
  readonly gates: StreamGateRegistry
  readonly tokens = new TokenStore()
  readonly tokenLimiter = new TokenLimiter()
  readonly faults = new FaultRegistry()
  readonly promptCache = new PromptCache()
  readonly budgets: ModelBudgets
  readonly nextId = makeIdSource()
  readonly files = new FileStore(this.nextId)
  readonly batches = new BatchStore(this.nextId)
  /** Calls that hold a stream now. */
  readonly openStreams = new Set<CallRecord>()
  #leakedStreams = 0

  constructor(private readonly startSettings: SettingsPatch) {
    this.settings = settingsSchema.parse(startSettings)
    this.random = makeRandom(this.settings.seed)
    this.bill = new BillStore(this.settings.bill)
    this.gates = new StreamGateRegistry(this.settings.streams)
    this.budgets = new ModelBudgets(this.settings.chat.budgets)
  }

  /** Throws a ZodError, and changes nothing, where the result would not be valid. */
  changeSettings(patch: unknown): void {
    const changed = settingsSchema.parse(mergePatch(this.settings, patch))
    const { seed, chat } = this.settings
    this.#apply(changed)
    if (changed.seed !== seed) this.random = makeRandom(changed.seed)
    if (JSON.stringify(changed.chat.budgets) !== JSON.stringify(chat.budgets)) this.budgets.fill(changed.chat.budgets)
  }

  /** Back to the start, except for tokens (clients still hold them) and calls that are in flight. */
  reset(): void {
    this.#apply(settingsSchema.parse(this.startSettings))
    this.random = makeRandom(this.settings.seed)
    this.budgets.fill(this.settings.chat.budgets)
    this.bill.clear()
    this.faults.clear()
    this.files.clear()
    this.batches.clear()
    this.gates.forgetHistory()
    this.tokenLimiter.clear()
    this.promptCache.clear()
    this.#leakedStreams = 0
  }

  get chatRules(): ChatRules {
    return { chat: this.settings.chat, hasFile: (id) => this.files.has(id), tokensLeft: (model) => this.budgets.left(model) }
  }

  forgetStream(record: CallRecord): void {
    this.openStreams.delete(record)
    if (this.#isLeaked(record)) this.#leakedStreams++
  }

  /** Streams that were, or still are, held for longer than a sane client would. */
  get leakedStreams(): number {
    let leaked = this.#leakedStreams
    for (const record of this.openStreams) if (this.#isLeaked(record)) leaked++
    return leaked
  }

  #isLeaked(record: CallRecord): boolean {
    return Date.now() - this.bill.openedAtMs - record.atMs > this.settings.streams.leakAfterMs
  }

  #apply(settings: SimulatorSettings): void {
    this.settings = settings
    this.bill.settings = settings.bill
    this.gates.applyLimits(settings.streams)
  }
}
