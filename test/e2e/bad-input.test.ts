import type { ErrorCode, TaskMessage } from '#libs/contracts'
import type { ServiceRig } from '#tools/rig'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callsOf, send, waitForDeadLetter, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

/** Deliveries that never become tasks. */
const REJECTED: readonly (readonly [ErrorCode, string, string | Buffer | null])[] = [
  ['invalid_json', 'not JSON', '{"task_id": '],
  ['invalid_json', 'not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['invalid_json', 'an empty value', ''],
  ['invalid_message', 'against the schema', '{"task_id":"no prompt"}'],
  ['invalid_message', 'a key that leaves its folder', JSON.stringify({ task_id: 'up', prompt: 'x', files: [{ key: 'inputs/../secret' }] })],
  ['invalid_message', 'an unknown parameter', JSON.stringify({ task_id: 'param', prompt: 'x', params: { max_token: 1 } })],
  ['invalid_message', 'nesting that is too deep', `{"task_id":"deep","prompt":"x","metadata":{"a":${'['.repeat(64)}${']'.repeat(64)}}}`],
  ['tombstone', 'a tombstone', null],
  ['message_too_large', 'too many bytes', `{"task_id":"big","prompt":"${'x'.repeat(70_000)}"}`],
  ['unknown_task_type', 'an unknown type', JSON.stringify({ task_id: 'type', type: 'unheard-of', prompt: 'x' })],
  ['unsupported_kind', 'another kind', JSON.stringify({ task_id: 'kind', kind: 'embedding', prompt: 'x' })],
  ['tenant_not_allowed', 'a tenant that may not send here', JSON.stringify({ task_id: 'tenant', tenant: 'other', prompt: 'x' })],
  ['model_not_allowed', 'a model that its type does not allow', JSON.stringify({ task_id: 'model', model: 'GigaChat-9', prompt: 'x' })],
]

/** Tasks that fail when they are prepared, before any call. */
const FAILED: readonly (readonly [ErrorCode, string, Partial<TaskMessage>])[] = [
  ['file_not_found', 'a file that is not there', { prompt: 'x', files: [{ key: 'inputs/none.txt' }] }],
  ['file_forbidden', 'a file of somebody else', { prompt: 'x', files: [{ key: 'answers/default/1.txt' }] }],
  ['unsupported_media', 'a file that is no text', { prompt: 'x', files: [{ key: 'inputs/image.png' }] }],
  ['template_variable_missing', 'a missing variable', { template: { name: 'greeting', variables: { name: 'Ada' } } }],
]

describe('Sluice, bad input', () => {
  let rig: ServiceRig

  beforeAll(async () => {
    rig = await openRig('bad-input', { MAX_MESSAGE_BYTES: '65536' })
    await Promise.all([
      rig.startWorker(),
      rig.bucket.put('inputs/image.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 1]), 'image/png'),
    ])
  })
  afterAll(() => rig?.close())

  it.each(REJECTED)('becomes a dead letter with %s when it is %s, and its neighbours go on', async (code, what, value) => {
    const name = `beside-${what.replaceAll(/\W/g, '-')}`
    const topic = rig.topics.names.tasks
    const [before, bad] = await rig.producer.sendPlaced([
      { topic, partition: 1, value: makePrompt(`${name}-1`) },
      { topic, partition: 1, key: 'k', value },
      { topic, partition: 1, value: makePrompt(`${name}-2`) },
    ])
    const offset = String(bad!.offset)
    const letter = await waitForDeadLetter(
      rig,
      ({ source }) => source.partition === 1 && source.offset === offset,
      `the dead letter of ${what}`,
    )
    expect(before!.offset).toBe(bad!.offset - 1n)
    expect(letter).toMatchObject({
      kind: 'rejected',
      source: { topic, key: Buffer.from('k').toString('base64') },
      error: { code, message: expect.any(String), fingerprint: expect.any(String) },
      attempts: 0,
    })
    expect(letter.original).toBe(value === null ? undefined : Buffer.from(value).toString('base64'))
    const results = await waitForResults(rig, [`${name}-1`, `${name}-2`])
    expect(results.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded'])
  })

  it.each(FAILED)('fails with %s at %s, without a call', async (code, what, fields) => {
    const id = `fails-${what.replaceAll(/\W/g, '-')}`
    const value: TaskMessage = { task_id: id, ...fields }
    await send(rig, [value])
    const [result] = await waitForResults(rig, [id])
    expect(result).toMatchObject({ outcome: 'failed', error: { code, retryable: false } })
    const letter = await waitForDeadLetter(rig, ({ task_id: taskId }) => taskId === id, `the dead letter of ${what}`)
    expect(letter).toMatchObject({
      kind: 'failed',
      run: 1,
      error: { code },
      original: Buffer.from(JSON.stringify(value)).toString('base64'),
    })
    await expect(callsOf(rig, id)).resolves.toEqual([])
  })

  it('rejects an id that comes again with another value, and keeps the first task', async () => {
    await send(rig, [makePrompt('twice'), makePrompt('twice', { metadata: { other: true } })])
    const letter = await waitForDeadLetter(rig, ({ error, task_id: id }) => error.code === 'conflict' && id === 'twice', 'the conflict')
    expect(letter).toMatchObject({ kind: 'rejected', tenant: 'default' })
    await expect(waitForResults(rig, ['twice'])).resolves.toMatchObject([{ outcome: 'succeeded' }])
    await expect(callsOf(rig, 'twice')).resolves.toHaveLength(1)
  })
})
