import type { Delivery } from '#libs/kernel'

let made = 0

/** A record with a valid task of its own. Headers are given as text. */
export function makeDelivery({
  headers = {},
  ...fields
}: Partial<Omit<Delivery, 'headers'>> & { headers?: Record<string, string> } = {}): Delivery {
  const number = ++made
  return {
    topic: 'llm.tasks',
    partition: 0,
    offset: BigInt(number),
    key: null,
    value: Buffer.from(JSON.stringify({ task_id: `task-${number}`, prompt: 'a question' })),
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])),
    timestampMs: Date.UTC(2026, 0, 2),
    ...fields,
  }
}
