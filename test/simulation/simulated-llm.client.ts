import { LlmClient, LlmClients, TaskError, type LlmAnswer, type LlmCall, type SendResult } from '#libs/kernel'
import { makeAnswer } from '../factories/answer.factory.js'
import type { SeededRandom } from '../faults/seeded-random.js'
import type { ModelTables } from '../model/model.tables.js'
import type { Faults } from './faults.js'
import { wait, type ReplicaFate } from './replica.fate.js'

/** What the provider saw of one send. */
export interface SeenSend {
  readonly attemptId: string
  /** The ledger had an answer of the run already. */
  readonly wasAnswered: boolean
  /** Its attempt was open: a reaper had not given it up. */
  readonly wasOpen: boolean
  /** Calls that were under way when it came, itself among them. Those of a replica that has lost its lease are no longer counted: see docs/limits.md. */
  readonly inFlight: number
}

/** A send while the provider works on it. */
export interface OpenSend extends SeenSend {
  readonly leaseId: number | null
  readonly fate: ReplicaFate
  isUnderWay: boolean
}

const REFUSALS = [
  new TaskError('llm_server_error', 'a 500', { retryable: true }),
  new TaskError('llm_rate_limited', 'a 429', { retryable: true, retryAfterMs: 2_000 }),
  new TaskError('llm_unauthorized', 'a 401', { retryable: true }),
  new TaskError('llm_bad_request', 'a 400', { retryable: false }),
]

/** A provider that answers, refuses, or is not heard of again; its own list of the sends is the evidence. */
export class SimulatedLlmClient extends LlmClient {
  readonly provider = 'gigachat'

  constructor(
    private readonly tables: ModelTables,
    private readonly seen: OpenSend[],
    private readonly parts: { readonly fate: ReplicaFate; readonly faults: Faults; readonly random: SeededRandom },
  ) {
    super()
  }

  async send({ attemptId }: LlmCall, signal: AbortSignal): Promise<SendResult> {
    const { fate, faults, random } = this.parts
    if (faults.happens('unsentCall')) return { kind: 'not_sent', error: TaskError.unavailable('llm_unreachable', 'no connection') }
    const send = this.note(attemptId)
    const isAborted = await this.work(random.between(50, faults.areOver ? 2_000 : 15_000), signal)
    send.isUnderWay = false
    if (isAborted) return { kind: 'maybe_paid', error: signal.reason as TaskError }
    await fate.pass()
    if (faults.happens('brokenCall')) return { kind: 'maybe_paid', error: TaskError.unavailable('llm_connection_lost', 'reset') }
    if (faults.happens('refusal')) return { kind: 'refused', error: random.pick(REFUSALS), answer: makeAnswer('', { status: 500 }) }
    return { kind: 'answered', answer: makeAnswer(`answer of ${attemptId}`) }
  }

  parse(): LlmAnswer {
    return { text: 'an answer', model: 'GigaChat-2:1', finishReason: 'stop', usage: undefined }
  }

  contextWindow(): undefined {
    return undefined
  }

  private note(attemptId: string): OpenSend {
    const { tables, seen } = this
    const attempt = tables.attempts.find(({ id }) => id === attemptId)
    const send: OpenSend = {
      attemptId,
      wasAnswered: attempt !== undefined && tables.answerOf(attempt.taskNumber) !== undefined,
      wasOpen: attempt?.state === 'sending',
      inFlight: 1 + seen.filter((other) => this.holdsStream(other)).length,
      leaseId: attempt === undefined ? null : (tables.queue.get(attempt.taskNumber)?.leaseId ?? null),
      fate: this.parts.fate,
      isUnderWay: true,
    }
    seen.push(send)
    return send
  }

  private holdsStream({ isUnderWay, fate, leaseId }: OpenSend): boolean {
    return isUnderWay && !fate.isDead && leaseId !== null && this.tables.holdsLease(leaseId)
  }

  private work(forMs: number, signal: AbortSignal): Promise<boolean> {
    const aborted = new Promise<true>((resolve) => {
      if (signal.aborted) resolve(true)
      else signal.addEventListener('abort', () => resolve(true), { once: true })
    })
    return Promise.race([aborted, wait(forMs).then(() => false)])
  }
}

/** The only provider. */
export class OneProvider extends LlmClients {
  readonly providers = ['gigachat']

  constructor(private readonly client: LlmClient) {
    super()
  }

  of(): LlmClient {
    return this.client
  }
}
