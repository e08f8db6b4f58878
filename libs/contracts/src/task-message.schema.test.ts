import { describe, expect, it } from 'vitest'
import { ERROR_CODES, HEADERS, modelParamsSchema, taskMessageSchema } from '#libs/contracts'

const acceptsBare = (fields: object) => taskMessageSchema.safeParse({ task_id: 'a', ...fields }).success
const accepts = (fields: object) => acceptsBare({ prompt: 'x', ...fields })
const acceptsFile = (fields: object) => accepts({ files: [{ key: 'a', ...fields }] })
const makeMessages = (count: number) => Array.from({ length: count }, () => ({ role: 'user', content: 'x' }))

describe('taskMessageSchema', () => {
  it.each(['a', 'A-b_c.d:9', '...', '.a', 'x'.repeat(128)])('accepts the task id %s', (id) => expect(accepts({ task_id: id })).toBe(true))

  it.each(['', 'x'.repeat(129), 'a b', 'a/b', 'é', 'a\n', '.', '..'])('refuses the task id %j', (id) =>
    expect(accepts({ task_id: id })).toBe(false),
  )

  it('says what is wrong with the task id', () => {
    const { error } = taskMessageSchema.safeParse({ task_id: '..', prompt: 'x' })
    expect(error!.issues).toMatchObject([{ path: ['task_id'], message: expect.stringContaining('not just "." or ".."') as string }])
  })

  it.each(['a', 'a/b.txt', 'a..b/c..', '...', 'отчёт/1.txt', 'k'.repeat(1_024)])('accepts the object key %s', (key) => {
    expect(acceptsFile({ key })).toBe(true)
  })

  it.each(['', '..', '../a', 'a/../b', 'a/..', '/a', 'a\u0000b', 'a\nb', 'a\u007f', 'k'.repeat(1_025), 'я'.repeat(513)])(
    'refuses the object key %j',
    (key) => expect(acceptsFile({ key })).toBe(false),
  )

  it.each([
    ['priority', [0, 9], [-1, 10, 1.5, '5']],
    ['type', ['summary', 't'.repeat(64)], ['', 'a b', 't'.repeat(65)]],
    ['tenant', ['acme', '...'], ['.', '..', 'a/b']],
    ['model', ['GigaChat-2', 'm'.repeat(128)], ['', 'm'.repeat(129)]],
    ['deadline', ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123+03:00'], ['2026-01-02', '2026-01-02T03:04:05', 1]],
    ['on_maybe_paid', ['retry', 'hold', 'fail'], ['pay']],
    ['metadata', [{}, { a: { b: [1] } }], [[], 'x', null]],
    ['response_schema', [{ type: 'object' }], [true, []]],
    ['files', [[], Array.from({ length: 32 }, () => ({ key: 'a' }))], [Array.from({ length: 33 }, () => ({ key: 'a' })), [{}]]],
  ])('holds %s to its limits', (field, good, bad) => {
    expect(good.filter((value) => !accepts({ [field]: value }))).toEqual([])
    expect(bad.filter((value) => accepts({ [field]: value }))).toEqual([])
  })

  it('holds the bucket and the media type of a file to their limits', () => {
    expect(acceptsFile({ bucket: 'abc', media_type: 'text/plain', name: 'f' })).toBe(true)
    expect(acceptsFile({ bucket: 'ab' })).toBe(false)
    expect(acceptsFile({ bucket: 'b'.repeat(64) })).toBe(false)
    expect(acceptsFile({ media_type: 'm'.repeat(256) })).toBe(false)
    expect(acceptsFile({ name: 'a b' })).toBe(false)
  })

  it('accepts 1 to 1000 messages of known roles', () => {
    expect([1, 1_000].filter((count) => !acceptsBare({ messages: makeMessages(count) }))).toEqual([])
    expect([0, 1_001].filter((count) => acceptsBare({ messages: makeMessages(count) }))).toEqual([])
    expect(acceptsBare({ messages: [{ role: 'function', content: 'x' }] })).toBe(false)
  })

  it('wants exactly one of prompt, messages and template', () => {
    const [prompt, messages, template] = ['x', makeMessages(1), { name: 't' }]
    expect([{ prompt }, { messages }, { template }].map(acceptsBare)).toEqual([true, true, true])
    expect([{}, { prompt, messages }, { prompt, template }, { messages, template }].filter(acceptsBare)).toEqual([])
  })

  it('wants a positive whole version of a template', () => {
    expect([1, undefined].filter((version) => !acceptsBare({ template: { name: 't', version } }))).toEqual([])
    expect([0, -1, 1.5, '1'].filter((version) => acceptsBare({ template: { name: 't', version } }))).toEqual([])
  })
})

describe('modelParamsSchema', () => {
  it('accepts what lies inside the limits', () => {
    expect(modelParamsSchema.safeParse({ temperature: 2, top_p: 1, max_tokens: 1, repetition_penalty: 4 }).success).toBe(true)
    expect(modelParamsSchema.safeParse({}).success).toBe(true)
  })

  it.each([
    { temperature: -0.1 },
    { temperature: 2.1 },
    { top_p: 1.1 },
    { max_tokens: 0 },
    { max_tokens: 1.5 },
    { repetition_penalty: 0 },
    { repetition_penalty: 4.1 },
    { n: 2 },
    { max_token: 5 },
  ])('refuses %j', (params) => expect(modelParamsSchema.safeParse(params).success).toBe(false))
})

describe('closed lists', () => {
  it('name each error code and each header once', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length)
    const names = Object.values(HEADERS)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toBe(name.toLowerCase())
  })
})
