import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { describeError } from './describe-error.serializer.js'
import { makeSafeFields } from './safe-fields.js'

class Connection {
  readonly password = 'canary'
}

describe(makeSafeFields.name, () => {
  it('keeps numbers, flags, short texts, times and small plain objects', () => {
    const fields = { size: 3, big: 3n, ok: true, name: 'x', none: null, at: new Date(0), list: [1, 'a', { b: 2 }], nested: { a: { b: 1 } } }
    expect(makeSafeFields(fields)).toEqual({ ...fields, big: '3', at: '1970-01-01T00:00:00.000Z' })
  })

  it.each([
    'prompt',
    'messages',
    'answer',
    'content',
    'text',
    'token',
    'access_key',
    'secretKey',
    'Authorization',
    'api-key',
    'payload',
    'headers',
  ])('hides %s at any depth', (name) => {
    expect(makeSafeFields({ [name]: 'canary', a: { [name]: ['canary'] } })).toEqual({ [name]: '[hidden]', a: { [name]: '[hidden]' } })
  })

  it('shows bytes as their size and foreign objects as their kind', () => {
    const nothing = Object.create(Object.create(null) as object) as object
    expect(makeSafeFields({ bytes: Buffer.from('canary'), connection: new Connection(), call: () => 'canary', nothing })).toEqual({
      bytes: '[6 bytes]',
      connection: '[Connection]',
      call: '[function]',
      nothing: '[object]',
    })
  })

  it('cuts long texts, long lists and deep objects, and leaves out what is undefined', () => {
    const safe = makeSafeFields({ long: 'x'.repeat(5_000), list: Array(100).fill(0), deep: { a: { b: { c: { d: 1 } } } }, gone: undefined })
    expect(safe.long).toMatch(/^x{2048}… \(5000 characters\)$/)
    expect(safe.list).toHaveLength(32)
    expect(safe.deep).toEqual({ a: { b: { c: '[object]' } } })
    expect(safe).not.toHaveProperty('gone')
  })

  it('keeps null prototypes and broken dates from breaking a line', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 })
    expect(makeSafeFields({ bare, at: new Date(Number.NaN) })).toEqual({ bare: { a: 1 }, at: null })
  })

  it('does not let a field replace what every line has', () => {
    expect(makeSafeFields({ level: 'x', timestamp: 1, service: 's', version: 2, message: 'm' })).toEqual({
      level_: 'x',
      timestamp_: 1,
      service_: 's',
      version_: 2,
      message_: 'm',
    })
  })
})

describe(describeError.name, () => {
  it('shows the name, code, message and causes of our errors, and neither details nor stack', () => {
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    const error = new TaskError('storage_unavailable', 'away', { retryable: true, cause, details: { secret: 'canary' } })
    expect(describeError(error)).toEqual({
      name: 'TaskError',
      code: 'storage_unavailable',
      message: 'away',
      retryable: true,
      causes: ['Error [ECONNRESET]: read ECONNRESET'],
    })
  })

  it('shows where a foreign error was thrown, and nothing that hangs on it', () => {
    const described = describeError(Object.assign(new TypeError('bad'), { request: { body: 'canary' } }))
    expect(described).toMatchObject({ name: 'TypeError', message: 'bad' })
    expect(described.stack).toMatch(/^ {4}at .*safe-fields\.test\.ts/)
    expect(JSON.stringify(described)).not.toContain('canary')
  })

  it.each([
    ['a text', 'broken', { name: 'string', message: 'broken' }],
    ['an object', { canary: 1 }, { name: 'object', message: '' }],
    ['nothing', undefined, { name: 'undefined', message: '' }],
  ])('describes %s that was thrown', (_name, thrown, described) => {
    expect(describeError(thrown)).toEqual(described)
  })

  it('lives with errors that have no stack or an odd one', () => {
    const bare = new Error('x')
    delete bare.stack
    expect(describeError(bare)).toEqual({ name: 'Error', message: 'x' })
    bare.stack = 'no frames'
    expect(describeError(bare)).toEqual({ name: 'Error', message: 'x', stack: '' })
  })
})
