import { RecordProducer, type ProducedRecord } from '../kafka/kafka-client.port.js'

/** Keeps what is sent. `refuse` may throw for a request. */
export class FakeRecordProducer extends RecordProducer {
  readonly requests: (readonly ProducedRecord[])[] = []
  refuse: (records: readonly ProducedRecord[]) => void = () => undefined
  isClosed = false

  async send(records: readonly ProducedRecord[]): Promise<void> {
    await Promise.resolve()
    this.refuse(records)
    this.requests.push(records)
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}
