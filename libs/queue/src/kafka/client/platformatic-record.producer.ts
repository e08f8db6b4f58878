import { compatibilityPartitioner, findErrorBy, Producer, ProduceAcks } from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import { ProduceError, RecordProducer, type ProducedRecord } from '../kafka-client.port.js'
import { makeClientOptions } from './client-options.js'
import { explainError } from './explain-error.js'

const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

export class PlatformaticRecordProducer extends RecordProducer {
  private readonly producer: Producer
  private keyless = 0

  constructor(settings: QueueSettings) {
    super()
    this.producer = new Producer({
      ...makeClientOptions(settings, 'producer'),
      acks: ProduceAcks.ALL,
      // The library's own default puts keys on other partitions than the Java client does; this one puts all without a key on the first.
      partitioner: (message, key) => (key ? compatibilityPartitioner(message, key) : this.keyless++),
      compression: settings.produce.compression,
    })
  }

  async send(records: readonly ProducedRecord[]): Promise<void> {
    const messages = records.map(({ topic, key, value, headers }) => ({
      topic,
      value,
      headers: encodeHeaders(headers),
      ...(key && { key }),
    }))
    try {
      await this.producer.send({ acks: ProduceAcks.ALL, messages })
    } catch (error) {
      // The next attempt shall look for the leaders anew.
      this.producer.clearMetadata()
      throw toProduceError(error as Error)
    }
  }

  async close(): Promise<void> {
    await this.producer.close(true)
  }
}

function encodeHeaders(headers: ReadonlyMap<string, string>): Map<Buffer, Buffer> {
  return new Map(Array.from(headers, ([name, value]): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(value)]))
}

function toProduceError(error: Error): ProduceError {
  const isTooLarge = TOO_LARGE.some((id) => findErrorBy(error, 'apiId', id))
  return new ProduceError(isTooLarge ? 'too_large' : 'unavailable', explainError(error))
}
