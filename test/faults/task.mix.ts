import type { TaskMessage } from '#libs/contracts'
import type { ServiceRig } from '#tools/rig'
import { expectedAnswer, type PromptMessage } from '../../apps/simulator/src/expected-answer.js'
import type { JournalRecord } from './invariants/journal.js'
import { CANARY } from './invariants/secrets.invariant.js'
import type { SeededRandom } from './seeded-random.js'

export interface TaskMixOptions {
  readonly rig: ServiceRig
  readonly random: SeededRandom
  /** How many ordering keys there are. */
  readonly keys?: number
  /** Bytes of an answer that goes to object storage. */
  readonly largeAnswerBytes: number
}

/** More than the workers' MAX_MESSAGE_BYTES, less than what Kafka takes. */
const TOO_LARGE_BYTES = 100_000

type Recipe = (id: string) => JournalRecord | Promise<JournalRecord>

/**
 * All shapes of deliveries, in the order and number that the seed gives: plain prompts, messages, ordering keys, files, large answers,
 * repeats, conflicts and broken records. Task ids are `t1`, `t2`, ...
 */
export class TaskMix {
  private made = 0
  private readonly originals: JournalRecord[] = []
  private readonly recipes: readonly (readonly [weight: number, recipe: Recipe])[]
  private readonly topic: string

  constructor(private readonly options: TaskMixOptions) {
    this.topic = options.rig.topics.names.tasks
    this.recipes = [
      [38, (id) => this.makePrompt(id)],
      [22, (id) => this.makeOrdered(id)],
      [10, (id) => this.makeMessages(id)],
      [9, (id) => this.makeWithFile(id)],
      [8, (id) => this.makeLarge(id)],
      [5, (id) => this.makeRepeat(id)],
      [3, (id) => this.makeConflict(id)],
      [5, () => this.makeBroken()],
    ]
  }

  async make(count: number): Promise<JournalRecord[]> {
    const records: JournalRecord[] = []
    for (let index = 0; index < count; index++) records.push(await this.choose()(`t${++this.made}`))
    // Only what was sent before may be repeated: a repeat in the same batch could come first.
    this.originals.push(...records.filter(({ fate }) => fate.kind === 'task'))
    return records
  }

  /** So many deliveries of every shape. */
  async makeEach(count: number): Promise<JournalRecord[]> {
    const records: JournalRecord[] = []
    for (const [, recipe] of this.recipes) for (let index = 0; index < count; index++) records.push(await recipe(`t${++this.made}`))
    this.originals.push(...records.filter(({ fate }) => fate.kind === 'task'))
    return records
  }

  private choose(): Recipe {
    const { random } = this.options
    let left = random.next() * this.recipes.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, recipe] of this.recipes) {
      left -= weight
      if (left < 0) return recipe
    }
    return this.recipes[0]![1]
  }

  private makePrompt(id: string): JournalRecord {
    const prompt = `[[task:${id}]] ${CANARY} ${this.words()}`
    return this.place({ task_id: id, prompt, priority: this.options.random.between(3, 6) }, [{ role: 'user', content: prompt }])
  }

  private makeOrdered(id: string): JournalRecord {
    const { random, rig, keys = 8 } = this.options
    const key = random.between(1, keys)
    const prompt = `[[task:${id}]] ${CANARY} in order ${this.words()}`
    const record = this.place({ task_id: id, type: 'ordered', prompt }, [{ role: 'user', content: prompt }])
    return { ...record, record: { ...record.record, key: `key-${key}`, partition: key % rig.partitions } }
  }

  private makeMessages(id: string): JournalRecord {
    const messages = [
      { role: 'system' as const, content: 'Answer in one word.' },
      { role: 'user' as const, content: `first ${this.words()}` },
      { role: 'assistant' as const, content: 'yes' },
      { role: 'user' as const, content: `[[task:${id}]] ${CANARY} ${this.words()}` },
    ]
    return this.place({ task_id: id, messages }, messages)
  }

  /** The file's text orders the answer, which so shows that the text reached the model. */
  private async makeWithFile(id: string): Promise<JournalRecord> {
    const answer = JSON.stringify({ file: id, words: this.words() })
    const key = `inputs/${id}.txt`
    await this.options.rig.bucket.put(key, `${CANARY} text of a file [[json:${answer}]]`)
    const message = { task_id: id, prompt: `[[task:${id}]] read the file`, files: [{ key }] }
    return { ...this.place(message, []), fate: { kind: 'task', taskId: id, text: answer } }
  }

  private makeLarge(id: string): JournalRecord {
    const prompt = `[[task:${id}]] [[answer_bytes:${this.options.largeAnswerBytes}]] ${CANARY} ${this.words()}`
    return this.place({ task_id: id, prompt }, [{ role: 'user', content: prompt }])
  }

  private makeRepeat(id: string): JournalRecord {
    const original = this.pickOriginal()
    if (!original) return this.makePrompt(id)
    return { record: original.record, fate: { kind: 'repeat', taskId: (original.fate as { taskId: string }).taskId } }
  }

  private makeConflict(id: string): JournalRecord {
    const original = this.pickOriginal()
    if (!original) return this.makePrompt(id)
    const value = { ...(original.record.value as TaskMessage), metadata: { conflict: id } }
    return { record: { ...original.record, value }, fate: { kind: 'rejected', code: 'conflict' } }
  }

  private makeBroken(): JournalRecord {
    const { random } = this.options
    return random.pick([
      this.placeBroken('{"task_id": "t', 'invalid_json'),
      this.placeBroken(null, 'tombstone'),
      this.placeBroken('{"task_id":"no prompt"}', 'invalid_message'),
      this.placeBroken(
        JSON.stringify({ task_id: `broken${random.between(1, 1e6)}`, type: 'unheard-of', prompt: 'x' }),
        'unknown_task_type',
      ),
      this.placeBroken(`{"task_id":"big","prompt":"${'x'.repeat(TOO_LARGE_BYTES)}"}`, 'message_too_large'),
    ])
  }

  private placeBroken(
    value: string | null,
    code: 'invalid_json' | 'tombstone' | 'invalid_message' | 'unknown_task_type' | 'message_too_large',
  ) {
    const { random, rig } = this.options
    const partition = random.between(0, rig.partitions - 1)
    return { record: { topic: this.topic, partition, key: null, value }, fate: { kind: 'rejected', code } } as const
  }

  private place(message: TaskMessage, sent: readonly PromptMessage[]): JournalRecord {
    const { random, rig } = this.options
    const partition = random.between(0, rig.partitions - 1)
    return {
      record: { topic: this.topic, partition, key: random.next() < 0.5 ? message.task_id : null, value: message },
      fate: { kind: 'task', taskId: message.task_id, text: expectedAnswer(sent) },
    }
  }

  private pickOriginal(): JournalRecord | undefined {
    return this.originals.length === 0 ? undefined : this.options.random.pick(this.originals)
  }

  private words(): string {
    const { random } = this.options
    return Array.from({ length: random.between(3, 30) }, () => random.pick(WORDS)).join(' ')
  }
}

const WORDS = [
  'river',
  'stone',
  'копейка',
  'lantern',
  'weir',
  'ключ',
  'gate',
  'water',
  '水',
  'level',
  'плотина',
  'open',
  'shut',
  'flow',
  '🌊',
]
