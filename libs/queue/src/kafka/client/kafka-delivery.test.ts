import { describe, expect, it } from 'vitest'
import { KafkaDelivery, type RawHeaders } from './kafka-delivery.js'

function makeDelivery(headers: RawHeaders): KafkaDelivery {
  return new KafkaDelivery('tasks', 0, 1n, Buffer.from('key'), Buffer.from('value'), 0, headers)
}

describe(KafkaDelivery.name, () => {
  it('gives headers by their lower-case names, the last one of a name', () => {
    const { headers } = makeDelivery([
      [Buffer.from('TraceParent'), Buffer.from('first')],
      [Buffer.from('traceparent'), Buffer.from('last')],
      [Buffer.from('empty'), null],
    ])
    expect(Array.from(headers, ([name, value]) => [name, value.toString()])).toEqual([
      ['traceparent', 'last'],
      ['empty', ''],
    ])
  })

  it('weighs its key, its value and its headers', () => {
    expect(makeDelivery([]).sizeBytes).toBe(64 + 3 + 5)
    expect(makeDelivery([[Buffer.from('name'), Buffer.alloc(100)]]).sizeBytes).toBe(64 + 3 + 5 + 104)
  })

  it('shares one map among deliveries without headers', () => {
    expect(makeDelivery([]).headers).toBe(makeDelivery([]).headers)
  })
})
