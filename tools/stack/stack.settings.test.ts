import { describe, expect, it } from 'vitest'
import { readFixedPorts, readKafkaHeap } from './stack.settings.js'

describe(readFixedPorts.name, () => {
  it('takes a port from its variable and the others by default', () => {
    expect(readFixedPorts({ STACK_KAFKA_PORT: '9092' })).toMatchObject({ kafka: 9092, postgres: 15432, minio: 19000 })
  })

  it('tells every port that is none', () => {
    expect(() => readFixedPorts({ STACK_KAFKA_PORT: 'kafka', STACK_MINIO_PORT: '70000' })).toThrow(
      'STACK_KAFKA_PORT must be a port from 1 to 65535 (got kafka)\nSTACK_MINIO_PORT must be a port from 1 to 65535 (got 70000)',
    )
  })
})

describe(readKafkaHeap.name, () => {
  it.each([
    [{}, 512],
    [{ STACK_KAFKA_HEAP_MB: '1024' }, 1024],
  ])('reads %j as %i MB', (env, heapMb) => {
    expect(readKafkaHeap(env)).toBe(heapMb)
  })

  it('refuses a heap in which no broker starts', () => {
    expect(() => readKafkaHeap({ STACK_KAFKA_HEAP_MB: '64' })).toThrow('STACK_KAFKA_HEAP_MB must be a whole number from 128 (got 64)')
  })
})
