import type { RejectedRecord } from '#libs/kernel'

export type RecordPlace = Pick<RejectedRecord, 'topic' | 'partition' | 'offset'>

/** TOPIC/PARTITION/OFFSET, which no task id can be; undefined where it is not of this form. */
export function parseRecordPlace(text: string): RecordPlace | undefined {
  const match = /^([^/]+)\/(\d{1,9})\/(\d{1,18})$/.exec(text)
  return match ? { topic: match[1]!, partition: Number(match[2]), offset: match[3]! } : undefined
}

export function formatRecordPlace({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`
}
