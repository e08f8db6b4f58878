import { randomUUID } from 'node:crypto'

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

export function isUuidV4(text: string): boolean {
  return UUID_V4.test(text)
}

/** Ids shaped as UUID v4: one random head and a counter, because a random one for each response costs more than the response. */
export function makeIdSource(): () => string {
  const head = randomUUID().slice(0, 24)
  let count = 0
  return () => {
    count++
    // Decimal digits are hexadecimal ones too, and much cheaper to write.
    return head + String(count).padStart(12, '0')
  }
}
