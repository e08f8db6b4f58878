import { Consumer, MessagesStreamModes, MessagesStreamFallbackModes, type Message, type MessagesStream } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

const REOPEN_PAUSE_MS = 250

type TopicMessage = Message<Buffer, Buffer, Buffer, Buffer>

interface TopicReader {
  readonly consumer: Consumer
  readonly stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>
}

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
 * Reads everything on some topics from their beginning, in a group of its own, and keeps it, each record once. A reader whose broker is
 * lost is replaced by another, until `close`. `T` is the shape of the JSON values.
 */
export class EventCollector<T> {
  readonly events: CollectedEvent<T>[] = []
  private readonly waiting = new Set<() => void>()
  private readonly listeners = new Set<(event: CollectedEvent<T>) => void>()
  /** By topic and partition: the offset of the next record that has not been seen. */
  private readonly next = new Map<string, bigint>()
  private readonly closing = new AbortController()
  private reader: TopicReader | undefined

  private constructor(private readonly open: () => Promise<TopicReader>) {}

  static async start<T>(brokers: readonly string[], topics: readonly string[]): Promise<EventCollector<T>> {
    const collector = new EventCollector<T>(() => openReader(brokers, topics))
    collector.read(await collector.open())
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
        if (condition(this.events)) settle(resolve)
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

  /** Replaces the reader now: after a restart of the broker the old one may wait for a while before it looks. */
  async reopen(): Promise<void> {
    if (this.reader) await closeReader(this.reader)
  }

  async close(): Promise<void> {
    this.closing.abort()
    if (this.reader) await closeReader(this.reader)
  }

  private read(reader: TopicReader): void {
    this.reader = reader
    reader.stream.on('data', (message) => this.keep(message))
    reader.stream.on('error', () => undefined)
    reader.stream.once('close', () => void this.readAgain(reader))
  }

  private async readAgain(lost: TopicReader): Promise<void> {
    await closeReader(lost)
    while (!this.closing.signal.aborted) {
      const reader = await this.open().catch(() => undefined)
      if (reader && this.closing.signal.aborted) return closeReader(reader)
      if (reader) return this.read(reader)
      await delay(REOPEN_PAUSE_MS)
    }
  }

  private keep(message: TopicMessage): void {
    const place = `${message.topic}/${message.partition}`
    if (message.offset < (this.next.get(place) ?? 0n)) return
    this.next.set(place, message.offset + 1n)
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
  }
}

async function openReader(brokers: readonly string[], topics: readonly string[]): Promise<TopicReader> {
  const consumer = new Consumer({
    clientId: 'sluice-rig',
    groupId: `rig-${randomUUID()}`,
    bootstrapBrokers: [...brokers],
    autocommit: false,
  })
  try {
    const stream = await consumer.consume({
      topics: [...topics],
      mode: MessagesStreamModes.EARLIEST,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      maxWaitTime: 100,
    })
    return { consumer, stream }
  } catch (error) {
    await consumer.close(true).catch(() => {})
    throw error
  }
}

async function closeReader({ consumer, stream }: TopicReader): Promise<void> {
  await stream.close().catch(() => {})
  await consumer.close(true).catch(() => {})
}
