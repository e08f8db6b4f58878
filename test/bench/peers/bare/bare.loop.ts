import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes, type Message, type MessagesStream } from '@platformatic/kafka'
import type { PeerTask } from '../chat.contract.js'
import type { PeerSettings } from '../peer.settings.js'
import { BareModel } from './bare.model.js'
import { BareSink } from './bare.sink.js'
import { StoredOffsets } from './stored.offsets.js'

export const MAX_IN_FLIGHT = 1_024
const COMMIT_INTERVAL_MS = 500

type RawMessage = Message<Buffer, Buffer, Buffer, Buffer>

/**
 * The limit of one Node process: the service's client libraries with nothing between them. A message becomes a call at once, up to
 * 1,024 of them; rows and result messages go out in groups; offsets are committed by a timer, only up to what is stored. No ledger: a
 * crash calls the model again for all that is in flight, and a task that fails ends the process.
 */
export class BareLoop {
  private inFlight = 0
  private isStopping = false
  private readonly idle = Promise.withResolvers<void>()
  private readonly offsets = new StoredOffsets()
  private readonly commits: NodeJS.Timeout

  private constructor(
    private readonly settings: PeerSettings,
    private readonly parts: {
      readonly consumer: Consumer
      readonly stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>
      readonly model: BareModel
      readonly sink: BareSink
      readonly fail: (error: unknown) => void
    },
  ) {
    const { stream, fail } = parts
    stream.on('readable', () => this.pull())
    stream.on('error', fail)
    this.commits = setInterval(() => void this.commit().catch(fail), COMMIT_INTERVAL_MS)
  }

  static async start(settings: PeerSettings, fail: (error: unknown) => void): Promise<BareLoop> {
    const { brokers, groupId, tasksTopic } = settings
    const consumer = new Consumer({ clientId: 'bare', groupId, bootstrapBrokers: [...brokers], autocommit: false })
    const stream = await consumer.consume({
      topics: [tasksTopic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      highWaterMark: 4 * MAX_IN_FLIGHT,
      maxBytes: 4 * 1024 * 1024,
      maxWaitTime: 100,
    })
    const sink = new BareSink(settings, fail)
    return new BareLoop(settings, { consumer, stream, model: new BareModel(settings.model, MAX_IN_FLIGHT, fail), sink, fail })
  }

  /** Ends what has been begun. */
  async stop(): Promise<void> {
    this.isStopping = true
    if (this.inFlight === 0) this.idle.resolve()
    await this.idle.promise
    clearInterval(this.commits)
    await this.commit()
    const { stream, consumer, sink, model } = this.parts
    await sink.close()
    await model.close()
    await stream.close()
    await consumer.close(true)
  }

  private pull(): void {
    while (this.inFlight < MAX_IN_FLIGHT && !this.isStopping) {
      const message = this.parts.stream.read() as RawMessage | null
      if (message === null) return
      this.begin(message)
    }
  }

  private begin(message: RawMessage): void {
    this.inFlight++
    const task = JSON.parse(message.value.toString()) as PeerTask
    const position = this.offsets.open(message.partition, message.offset)
    this.parts.model.ask(task, (answer) => {
      this.parts.sink.add({ task, answer, key: message.key, stored: () => this.end(position) })
    })
  }

  private end(position: Parameters<StoredOffsets['close']>[0]): void {
    this.offsets.close(position)
    this.inFlight--
    if (!this.isStopping) this.pull()
    else if (this.inFlight === 0) this.idle.resolve()
  }

  private async commit(): Promise<void> {
    const topic = this.settings.tasksTopic
    const offsets = this.offsets.takeCommittable().map(({ partition, offset }) => ({ topic, partition, offset, leaderEpoch: -1 }))
    if (offsets.length > 0) await this.parts.consumer.commit({ offsets })
  }
}
