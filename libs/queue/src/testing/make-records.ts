import type { FetchedRecord } from '../kafka/kafka-client.port.js'

export interface RecordTemplate {
  readonly topic?: string
  readonly partition?: number
  readonly sizeBytes?: number
}

/** Records with the given offsets. */
export function makeRecords(
  offsets: readonly number[],
  { topic = 'tasks', partition = 0, sizeBytes = 10 }: RecordTemplate = {},
): FetchedRecord[] {
  return offsets.map((offset) => ({
    topic,
    partition,
    offset: BigInt(offset),
    key: null,
    value: Buffer.from(`v${offset}`),
    headers: new Map(),
    timestampMs: 0,
    sizeBytes,
  }))
}

/** Records from `first` to `last`. */
export function makeRecordRange(first: number, last: number, template?: RecordTemplate): FetchedRecord[] {
  return makeRecords(
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
    template,
  )
}
