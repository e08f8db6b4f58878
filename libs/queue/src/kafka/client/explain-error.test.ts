import { describe, expect, it } from 'vitest'
import { explained, explainError } from './explain-error.js'

describe(explainError.name, () => {
  it('names every level down to what is really wrong', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9092'), { code: 'ECONNREFUSED' })
    const connection = new Error('Connection to 127.0.0.1:9092 failed.', { cause: refused })
    const bootstrap = new AggregateError([connection], 'Cannot connect to any broker.')
    const error = explainError(new AggregateError([bootstrap], 'Listing topics failed.'))
    expect(error.message).toBe(
      'Listing topics failed: Cannot connect to any broker: Connection to 127.0.0.1:9092 failed: connect ECONNREFUSED 127.0.0.1:9092',
    )
  })

  it('says a thing once, ends in a loop, and says something of what is no error', () => {
    const loop: Error & { cause?: unknown } = new Error('again')
    loop.cause = loop
    expect(explainError(loop).message).toBe('again')
    expect(explainError('text').message).toBe('the Kafka client has failed')
    expect(explainError(new AggregateError([], '')).message).toBe('the Kafka client has failed')
  })
})

describe(explained.name, () => {
  it('passes results through and explains rejections', async () => {
    await expect(explained(Promise.resolve(1))).resolves.toBe(1)
    const cause = new Error('Connection closed')
    await expect(explained(Promise.reject(new Error('Producing messages failed.', { cause })))).rejects.toThrow(
      'Producing messages failed: Connection closed',
    )
  })
})
