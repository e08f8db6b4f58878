import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import { MessageParser } from './message-parser.js'
import { messageSettings } from './message-parser.settings.js'

const parser = new MessageParser({ maxMessageBytes: 4_096 })
const roomy = new MessageParser(messageSettings.parse({}))

function parse(value: string | Buffer | null) {
  return parser.parse({ value: typeof value === 'string' ? Buffer.from(value) : value })
}

function parseJson(value: unknown) {
  return parse(JSON.stringify(value))
}

function problemOf(value: unknown): string {
  const { error } = parseJson(value)
  return `${error?.code} ${error?.message}`
}

describe(MessageParser.name, () => {
  it('gives the task of a valid record', () => {
    const task = { task_id: 'order:1', prompt: 'Привет', priority: 9, metadata: { deep: { list: [1, null] } } }
    expect(parseJson(task)).toEqual({ message: task })
  })

  it('tolerates unknown fields and leaves them out', () => {
    expect(parseJson({ task_id: 'a', prompt: 'b', future: { x: 1 } }).message).toEqual({ task_id: 'a', prompt: 'b' })
  })

  it('refuses records that were too large to be unpacked, and names them', () => {
    const unread = { firstOffset: 7n, lastOffset: 9n, count: 3, sizeBytes: 40, sha256: 'abc', maxBytes: 1_000 }
    const { error } = parser.parse({ value: null, unread })
    expect(error).toMatchObject({ code: 'message_too_large', retryable: false })
    expect(error!.message).toContain('3 records at the offsets 7 to 9 were not read: compressed together they have 40 bytes (SHA-256 abc)')
  })

  it('refuses a tombstone', () => {
    expect(parse(null).error).toMatchObject({ code: 'tombstone', retryable: false })
  })

  it('refuses a value that is too large before it looks into it', () => {
    expect(parse('x'.repeat(4_097)).error).toMatchObject({
      code: 'message_too_large',
      message: 'the value has 4097 bytes, more than MAX_MESSAGE_BYTES (4096)',
    })
    expect(parse(JSON.stringify({ task_id: 'a', prompt: 'b' }).padEnd(4_096)).message).toBeDefined()
  })

  it.each([
    ['an empty value', ''],
    ['text that is not JSON', 'secret prompt'],
    ['JSON that ends too early', '{"task_id":"secret'],
    ['a byte order mark', '\ufeff{"task_id":"a","prompt":"b"}'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['a surrogate as raw bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('refuses %s as invalid_json, without repeating it', (_, value) => {
    const { error } = parse(value)
    expect(error?.code).toBe('invalid_json')
    expect(error?.message).not.toContain('secret')
  })

  it('says where the JSON breaks, as far as the engine tells without repeating the text', () => {
    expect(parse('{"task_id":"a" "prompt":"b"}').error?.message).toBe('the value is not JSON (error at position 15)')
    expect(parse('{"task_id": nope}').error?.message).toBe('the value is not JSON')
  })

  it('refuses 10,000 levels of nesting', () => {
    const value = Buffer.from(`{"task_id":"a","prompt":"b","metadata":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)
    expect(roomy.parse({ value }).error?.message).toBe('the value is nested 10001 levels deep, more than 32')
  })

  it('refuses too many keys', () => {
    const value = Buffer.from(
      `{"task_id":"a","prompt":"b","metadata":{${Array.from({ length: 9_998 }, (_, key) => `"${key}":0`).join(',')}}}`,
    )
    expect(roomy.parse({ value }).error?.message).toBe('the value has 10001 keys, more than 10000')
  })

  it.each([
    [[], 'invalid_message must be an object'],
    [null, 'invalid_message must be an object'],
    [{ prompt: 'x' }, 'invalid_message task_id: is missing: must be a text'],
    [{ task_id: 'a b', prompt: 'x' }, 'invalid_message task_id: must be 1 to 128 of A-Z a-z 0-9 . _ : - and not just "." or ".."'],
    [{ task_id: 'a\u0000', prompt: 'x' }, 'invalid_message task_id: must be 1 to 128 of A-Z a-z 0-9 . _ : - and not just "." or ".."'],
    [{ task_id: 'a' }, 'invalid_message exactly one of prompt, messages and template must be given'],
    [{ task_id: 'a', prompt: 'x', messages: [{ role: 'user', content: 'y' }] }, expect.stringContaining('exactly one of')],
    [{ task_id: 'a', prompt: 7 }, 'invalid_message prompt: must be a text'],
    [
      { task_id: 'a', messages: [{ role: 'robot', content: 'x' }] },
      'invalid_message messages[0].role: must be one of system, user, assistant',
    ],
    [{ task_id: 'a', prompt: 'x', priority: 10 }, 'invalid_message priority: must be at most 9'],
    [{ task_id: 'a', prompt: 'x', priority: 1.5 }, 'invalid_message priority: must be a whole number'],
    [{ task_id: 'a', prompt: 'x', params: { max_token: 5 } }, 'invalid_message params.max_token: unknown field; did you mean max_tokens?'],
    [{ task_id: 'a', prompt: 'x', params: { n: 5 } }, expect.stringContaining('params.n: unknown field; known fields: temperature, top_p')],
    [{ task_id: 'a', prompt: 'x', deadline: 'tomorrow' }, expect.stringContaining('deadline: must be a time of RFC 3339')],
    [{ task_id: 'a', prompt: 'x', on_maybe_paid: 'ignore' }, 'invalid_message on_maybe_paid: must be one of retry, hold, fail'],
    [{ task_id: 'a', prompt: 'x', files: [{ key: '../etc/passwd' }] }, expect.stringContaining('files[0].key: must be a plain object key')],
    [{ task_id: 'a', prompt: 'x', kind: 5 }, 'invalid_message kind: must be a text'],
    [{ task_id: 'a', prompt: 'x', kind: 'embedding' }, 'unsupported_kind kind: only chat is supported'],
  ])('refuses %j', (value, problem) => {
    expect(problemOf(value)).toEqual(problem)
  })

  it('accepts kind chat', () => {
    expect(parseJson({ task_id: 'a', prompt: 'x', kind: 'chat' }).message?.task_id).toBe('a')
  })

  it('names five problems and counts the others', () => {
    const messages = Array.from({ length: 8 }, () => ({ role: 'user', content: 1 }))
    expect(problemOf({ task_id: 'a', messages })).toMatch(/messages\[4\]\.content: must be a text \(and 3 more\)$/)
  })

  it('never repeats the prompt or a long unknown name', () => {
    const { error } = parseJson({ task_id: 5, prompt: 'top secret', params: { ['s'.repeat(500)]: 1 } })
    expect(error?.message).not.toContain('top secret')
    expect(error!.message.length).toBeLessThan(300)
  })

  it('gives the id of a refused task where it is a valid one', () => {
    expect(parseJson({ task_id: 'a', prompt: '' }).taskId).toBe('a')
    expect(parseJson({ task_id: 'a', kind: 'embedding' }).taskId).toBe('a')
    expect(parseJson({ task_id: 'a b', prompt: '' }).taskId).toBeUndefined()
  })

  it('keeps __proto__ and constructor harmless', () => {
    const { message } = parse(
      '{"task_id":"a","template":{"name":"t","variables":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}},"__proto__":{"type":"admin"},"metadata":{"__proto__":{"x":1}}}',
    )
    expect(message?.type).toBeUndefined()
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
    expect(Object.keys(message!.template!.variables!)).toEqual(['constructor'])
    expect(message!.metadata).toEqual({})
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('allows NUL and lone surrogates in a prompt', () => {
    expect(parse('{"task_id":"a","prompt":"\\u0000\\ud800"}').message?.prompt).toBe('\u0000\ud800')
  })

  it('reads a stored payload by the same schema', () => {
    expect(parser.parseStored('{"task_id":"a","prompt":"b"}')).toEqual({ message: { task_id: 'a', prompt: 'b' } })
    expect(parser.parseStored('broken').error?.code).toBe('invalid_json')
  })

  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(ERROR_CODES).toContain(parse(Buffer.from(bytes)).error?.code)
      }),
    )
  })

  it('never throws on any JSON, and gives either a task or an error', () => {
    const field = fc.constantFrom(
      'task_id',
      'prompt',
      'messages',
      'template',
      'files',
      'params',
      'metadata',
      'kind',
      '__proto__',
      'toString',
    )
    const json = fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.oneof(fc.string(), fc.jsonValue())))
    fc.assert(
      fc.property(json, (value) => {
        const { message, error } = parseJson(value)
        expect((message === undefined) !== (error === undefined)).toBe(true)
        expect(error === undefined || error instanceof TaskError).toBe(true)
      }),
    )
  })
})
