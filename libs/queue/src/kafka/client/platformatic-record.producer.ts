import { compatibilityPartitioner, findErrorBy, Producer, ProduceAcks } from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import { ProduceError, RecordProducer, type ProducedRecord } from '../kafka-client.port.js'
import { makeClientOptions } from './client-options.js'
import { explainError } from './explain-error.js'

const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

export class PlatformaticRecordProducer extends RecordProducer {
  private readonly producer: Producer
  private keyless = 0
  /** Header names are a closed list. */
  private readonly names = new Map<string, Buffer>()

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
      headers: this.encodeNames(headers),
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

  private encodeNames(headers: ReadonlyMap<string, Buffer>): Map<Buffer, Buffer> {
    const encoded = new Map<Buffer, Buffer>()
    for (const [name, value] of headers) {
      let bytes = this.names.get(name)
      if (bytes === undefined) this.names.set(name, (bytes = Buffer.from(name)))
      encoded.set(bytes, value)
    }
    return encoded
  }

  async close(): Promise<void> {
    await this.producer.close(true)
  }
}

function toProduceError(error: Error): ProduceError {
  const isTooLarge = TOO_LARGE.some((id) => findErrorBy(error, 'apiId', id))
  return new ProduceError(isTooLarge ? 'too_large' : 'unavailable', explainError(error))
}
