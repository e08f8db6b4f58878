import { describe, expect, it } from 'vitest'
import { makeDeadLetterEventId, makeRejectionEventId, makeResultEventId } from '#libs/contracts'

describe('event ids', () => {
  it('stay the same over releases, since consumers deduplicate by them', () => {
    expect(makeResultEventId('default', 'order-1', 1)).toBe('9dc8d733-0a01-81d6-b925-da21f7c148d2')
    expect(makeDeadLetterEventId('default', 'order-1', 1)).toBe('36e20a39-98e4-82aa-a997-24bf76cee8bd')
    expect(makeRejectionEventId('llm.tasks', 0, 42n, 'abc')).toBe('5ef6c2b6-a8c8-8b40-b356-9d029b7a9ddb')
  })

  it('are UUIDs of version 8 and the variant of RFC 9562', () => {
    for (let run = 0; run < 100; run++) {
      expect(makeResultEventId('t', 'a', run)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  it('differ by kind, tenant, task, run, topic, partition, offset and value', () => {
    const ids = [
      makeResultEventId('t', 'a', 1),
      makeResultEventId('t', 'a', 2),
      makeResultEventId('t', 'b', 1),
      makeResultEventId('u', 'a', 1),
      makeDeadLetterEventId('t', 'a', 1),
      makeRejectionEventId('t', 1, 1n, 'abc'),
      makeRejectionEventId('t', 1, 2n, 'abc'),
      makeRejectionEventId('t', 2, 1n, 'abc'),
      makeRejectionEventId('u', 1, 1n, 'abc'),
      makeRejectionEventId('u', 1, 1n, 'abd'),
      makeRejectionEventId('u', 1, 1n, null),
      makeRejectionEventId('t', 1, 2n ** 63n - 1n, 'abc'),
      makeRejectionEventId('t', 1, 2n ** 63n - 2n, 'abc'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })
})
