import { LlmClient, type LlmAnswer, type LlmCall, type SendResult } from '#libs/kernel'
import { vi } from 'vitest'
import { makeAnswer } from '../factories/answer.factory.js'
import { makeNewTask } from '../factories/new-task.factory.js'
import { makeTaskType } from '../factories/task-type.factory.js'
import { FakeFileStore } from '../fakes/fake-file.store.js'
import { SeededRandom } from '../faults/seeded-random.js'
import { ModelTables, type ModelRunRecord } from '../model/model.tables.js'
import { Faults } from './faults.js'
import { wait } from './replica.fate.js'
import { SimulatedReplica, type Cluster } from './simulated.replica.js'
import { SimulatedTopic } from './simulated.topic.js'

export const HOUR_MS = 3_600_000
/** Longer than the longest step of any schedule, and the longest wait for a stream. */
const QUIET_MS = 4 * HOUR_MS
const TASKS = 8
const TYPE = makeTaskType({ maxAttempts: 4, deferralMs: {} })

export interface Outage {
  readonly forMs: number
  /** Of every task. */
  readonly deadlineMs?: number
  /** How a call ends while it lasts; a good answer where left out. */
  readonly call?: (random: SeededRandom) => Exclude<SendResult, { kind: 'answered' }>
  readonly storage?: Error
  /** PostgreSQL is away. */
  readonly ledger?: boolean
  /** Kafka is away. */
  readonly topics?: boolean
}

export interface OutageEvidence {
  readonly records: readonly ModelRunRecord[]
  readonly unended: number
  readonly unpublished: number
  /** By the number of their task. */
  readonly attempts: ReadonlyMap<number, ModelTables['attempts']>
  readonly type: typeof TYPE
}

/** Only the topics fail, for as long as the outage lasts. */
class TopicFaults extends Faults {
  override happens(kind: Parameters<Faults['happens']>[0]): boolean {
    return kind === 'lostMessage' && !this.areOver
  }
}

class OutageProvider extends LlmClient {
  readonly provider = 'gigachat'

  constructor(
    private readonly outage: Outage,
    private readonly random: SeededRandom,
  ) {
    super()
  }

  async send({ attemptId }: LlmCall): Promise<SendResult> {
    const { call, forMs } = this.outage
    await wait(this.random.between(20, 2_000))
    return call && Date.now() < forMs ? call(this.random) : { kind: 'answered', answer: makeAnswer(`answer of ${attemptId}`) }
  }

  parse(): LlmAnswer {
    // Too long for the event, so that it goes to the storage.
    return { text: 'an answer '.repeat(500), model: 'GigaChat-2:1', finishReason: 'stop', usage: undefined }
  }

  contextWindow(): undefined {
    return undefined
  }
}

/** Tasks come in while something is away, and it comes back after hours. Needs vitest's fake timers. */
export async function runOutage(outage: Outage, seed: number): Promise<OutageEvidence> {
  vi.setSystemTime(0)
  const random = new SeededRandom(seed)
  vi.spyOn(Math, 'random').mockImplementation(() => random.next())
  const tables = new ModelTables()
  const replicas: SimulatedReplica[] = []
  const cluster: Cluster = {
    tables,
    clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
    types: [TYPE],
    faults: outage.topics ? new TopicFaults(random, outage.forMs) : new Faults(random, 0),
    random,
    topic: new SimulatedTopic(),
    sends: [],
    announce: () => replicas.forEach(({ model }) => model.announce()),
    provider: new OutageProvider(outage, random),
    files: makeStorage(outage),
  }
  replicas.push(new SimulatedReplica(cluster), new SimulatedReplica(cluster))
  for (let number = 0; number < TASKS; number++)
    void replicas[number % 2]!.ledger.accept(makeNewTask({ taskId: `task-${number}`, deadlineMs: outage.deadlineMs ?? null }))
  // The tasks are accepted, and some are called for, when the ledger goes.
  await vi.advanceTimersByTimeAsync(1_000)
  if (outage.ledger) cluster.faults.takeLedgerAway(outage.forMs)
  await vi.advanceTimersByTimeAsync(outage.forMs + QUIET_MS)
  vi.clearAllTimers()
  return {
    records: [...tables.records.values()],
    unended: TASKS - tables.records.size,
    unpublished: tables.outbox.length,
    attempts: Map.groupBy(tables.attempts, ({ taskNumber }) => taskNumber),
    type: TYPE,
  }
}

function makeStorage({ storage, forMs }: Outage): FakeFileStore {
  const files = new FakeFileStore()
  files.putAnswer.mockImplementation(async (key) => {
    if (storage && Date.now() < forMs) throw storage
    return { bucket: 'answers', key, sha256: '0'.repeat(64), size: 5_000 }
  })
  return files
}
