import { hash } from 'node:crypto'

const KEY_BYTES = 16

/** Two records share an ordering key when their topic, partition and key bytes are the same. */
export function makeOrderingKey(topic: string, partition: number, key: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${topic}\n${partition}\n`), key]), 'buffer').subarray(0, KEY_BYTES)
}
