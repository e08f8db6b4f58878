import { randomUUID } from 'node:crypto'
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'
import { indexOfTask } from './bench.task.js'

/** When the result of each task was in Kafka, by task number. Reads `count` results, then stops. */
export async function readResultTimes(brokers: readonly string[], topic: string, count: number): Promise<Map<number, number>> {
  const consumer = new Consumer({
    clientId: 'sluice-bench',
    groupId: `bench-reader-${randomUUID()}`,
    bootstrapBrokers: [...brokers],
    autocommit: false,
  })
  const times = new Map<number, number>()
  try {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      maxWaitTime: 100,
    })
    let read = 0
    for await (const { value, timestamp } of stream) {
      const { task_id } = JSON.parse(value.toString()) as { readonly task_id: string }
      times.set(indexOfTask(task_id), Number(timestamp))
      if (++read >= count) break
    }
  } finally {
    await consumer.close(true)
  }
  return times
}
