import { Consumer, MessagesStreamModes, MessagesStreamFallbackModes, type MessagesStream } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'

export interface CollectedEvent<T> {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly headers: ReadonlyMap<string, string>
  readonly value: T
  readonly receivedAtMs: number
}

/**
 * Reads everything on some topics from their beginning, in a group of its own, and keeps it. `T` is the shape of the JSON values.
 */
export class EventCollector<T> {
  readonly events: CollectedEvent<T>[] = []
  private readonly waiting = new Set<() => void>()
  private readonly listeners = new Set<(event: CollectedEvent<T>) => void>()
  private failure: unknown

  private constructor(
    private readonly consumer: Consumer,
    private readonly stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>,
  ) {}

  static async start<T>(brokers: readonly string[], topics: readonly string[]): Promise<EventCollector<T>> {
    const consumer = new Consumer({
      clientId: 'sluice-rig',
      groupId: `rig-${randomUUID()}`,
      bootstrapBrokers: [...brokers],
      autocommit: false,
    })
    const stream = await consumer.consume({
      topics: [...topics],
      mode: MessagesStreamModes.EARLIEST,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      maxWaitTime: 100,
    })
    const collector = new EventCollector<T>(consumer, stream)
    collector.read()
    return collector
  }

  onEvent(listener: (event: CollectedEvent<T>) => void): void {
    this.listeners.add(listener)
  }

  /** Resolves when `condition` holds for what has been collected; rejects after `timeoutMs`, saying what was waited for. */
  async waitFor(
    condition: (events: readonly CollectedEvent<T>[]) => boolean,
    { what, timeoutMs = 30_000 }: { what: string; timeoutMs?: number },
  ): Promise<void> {
    if (condition(this.events)) return
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (this.failure) settle(() => reject(this.failure))
        else if (condition(this.events)) settle(resolve)
      }
      const settle = (end: () => void) => {
        clearTimeout(timer)
        this.waiting.delete(check)
        end()
      }
      const timer = setTimeout(
        () => settle(() => reject(new Error(`waited ${timeoutMs} ms for ${what}; ${this.events.length} events have come`))),
        timeoutMs,
      )
      this.waiting.add(check)
    })
  }

  async close(): Promise<void> {
    await this.stream.close().catch(() => {})
    await this.consumer.close(true).catch(() => {})
  }

  private read(): void {
    this.stream.on('data', (message) => {
      const event: CollectedEvent<T> = {
        topic: message.topic,
        partition: message.partition,
        offset: message.offset,
        key: message.key?.toString() ?? null,
        headers: new Map([...message.headers].map(([name, value]) => [name.toString(), value.toString()])),
        value: JSON.parse(message.value.toString()) as T,
        receivedAtMs: Date.now(),
      }
      this.events.push(event)
      this.listeners.forEach((listener) => listener(event))
      this.waiting.forEach((check) => check())
    })
    this.stream.on('error', (error: unknown) => {
      this.failure = error
      this.waiting.forEach((check) => check())
    })
  }
}
