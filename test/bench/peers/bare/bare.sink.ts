import { ProduceAcks, Producer } from '@platformatic/kafka'
import { Pool } from 'pg'
import { makeResult, type PeerAnswer, type PeerTask } from '../chat.contract.js'
import type { PeerSettings } from '../peer.settings.js'

export interface Finished {
  readonly task: PeerTask
  readonly answer: PeerAnswer
  readonly key: Buffer | null
  /** Called when its row is committed and its message acknowledged. */
  readonly stored: () => void
}

const MAX_GROUP = 512
const GROUPS_IN_FLIGHT = 2

const INSERT = {
  name: 'insert-results',
  text: `INSERT INTO bench_result (task_id, answer, model, finish_reason, prompt_tokens, completion_tokens)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[])`,
}

/** Group commit: what has finished while the last groups were stored is the next group. A row first, then its message. */
export class BareSink {
  private waiting: Finished[] = []
  private inFlight = 0
  private scheduled = false
  private readonly pool: Pool
  private readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>

  constructor(
    private readonly settings: PeerSettings,
    private readonly fail: (error: unknown) => void,
  ) {
    this.pool = new Pool({ connectionString: settings.databaseUrl, max: GROUPS_IN_FLIGHT })
    this.producer = new Producer({ clientId: 'bare', bootstrapBrokers: [...settings.brokers], acks: ProduceAcks.ALL })
  }

  add(finished: Finished): void {
    this.waiting.push(finished)
    this.schedule()
  }

  async close(): Promise<void> {
    await this.producer.close()
    await this.pool.end()
  }

  /** All that end in one turn of the event loop share a group. */
  private schedule(): void {
    if (this.scheduled || this.inFlight >= GROUPS_IN_FLIGHT) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      if (this.waiting.length === 0) return
      const group = this.waiting.splice(0, MAX_GROUP)
      this.inFlight++
      this.store(group).then(() => this.onStored(group), this.fail)
      if (this.waiting.length > 0) this.schedule()
    })
  }

  private onStored(group: readonly Finished[]): void {
    this.inFlight--
    for (const { stored } of group) stored()
    if (this.waiting.length > 0) this.schedule()
  }

  private async store(group: readonly Finished[]): Promise<void> {
    await this.pool.query({
      ...INSERT,
      values: [
        group.map(({ task }) => task.task_id),
        group.map(({ answer }) => answer.text),
        group.map(({ answer }) => answer.model),
        group.map(({ answer }) => answer.finishReason),
        group.map(({ answer }) => answer.promptTokens),
        group.map(({ answer }) => answer.completionTokens),
      ],
    })
    const topic = this.settings.resultsTopic
    await this.producer.send({
      acks: ProduceAcks.ALL,
      messages: group.map(({ task, answer, key }) => ({
        topic,
        value: Buffer.from(JSON.stringify(makeResult(task, answer))),
        ...(key && { key }),
      })),
    })
  }
}
