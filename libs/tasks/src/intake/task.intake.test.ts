import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { TaskError, type NewTask, type Rejection } from '#libs/kernel'
import { makeDelivery } from '../../../../test/factories/delivery.factory.js'
import { makeOutboxMessage } from '../../../../test/factories/outbox-message.factory.js'
import { makeTaskType } from '../../../../test/factories/task-type.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakePromptRenderer } from '../../../../test/fakes/fake-prompt.renderer.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import { FileTaskTypes } from '../types/file-task-types.js'
import { TenantDirectory } from '../types/tenant-directory.js'
import { FakeTracer, NEW_TRACE } from '../../../../test/fakes/fake.tracer.js'
import { MessageParser } from './message-parser.js'
import { makeOrderingKey } from './ordering-key.js'
import { TaskEvents } from '../metrics/task.events.js'
import { IntakeWatch } from './intake.watch.js'
import { TaskIntake } from './task.intake.js'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

let ledger: FakeLedger
let publisher: FakeResultPublisher
let relay: OutboxRelay
let intake: TaskIntake

beforeEach(() => {
  ledger = new FakeLedger()
  publisher = new FakeResultPublisher()
  relay = new OutboxRelay(ledger, publisher)
  const types = new FileTaskTypes([makeTaskType(), makeTaskType({ name: 'ordered', ordering: 'key' })])
  const tenants = new TenantDirectory([{ name: 'default', filePrefixes: ['inputs/'] }], new Map([['llm.tasks', ['default']]]))
  intake = new TaskIntake(
    new MessageParser({ maxMessageBytes: 4_096 }),
    types,
    tenants,
    new FakePromptRenderer(),
    ledger,
    relay,
    new IntakeWatch(new FakeTracer(), new TaskEvents()),
  )
})

const makeValue = (message: object) => Buffer.from(JSON.stringify(message))

/** The task that is made of a delivery. */
async function accept(fields: Parameters<typeof makeDelivery>[0]): Promise<NewTask> {
  ledger.accept.mockResolvedValue('accepted')
  await intake.take([makeDelivery(fields)])
  return ledger.accept.mock.lastCall![0]
}

/** The rejections of a batch. */
async function reject(...deliveries: Parameters<typeof intake.take>[0]): Promise<readonly Rejection[]> {
  ledger.reject.mockResolvedValue([])
  await intake.take(deliveries)
  return ledger.reject.mock.lastCall![0]
}

const readLetter = (rejection: Rejection | undefined): unknown => JSON.parse(rejection!.deadLetter.toString())

describe(TaskIntake.name, () => {
  it('offers each delivery to the ledger as the task that it means, in order', async () => {
    const value = makeValue({
      task_id: 'a',
      prompt: 'x',
      priority: 9,
      deadline: '2026-01-02T03:04:05Z',
      files: [{ key: 'inputs/a' }],
    })
    const task = await accept({ offset: 7n, partition: 3, key: Buffer.from('k'), value })
    expect(task).toEqual({
      tenant: 'default',
      taskId: 'a',
      type: 'prompt',
      priority: 9,
      source: { topic: 'llm.tasks', partition: 3, offset: 7n },
      key: Buffer.from('k'),
      orderingKey: null,
      payload: value,
      payloadHash: createHash('sha256').update(value).digest(),
      traceparent: NEW_TRACE,
      correlationId: null,
      deadlineMs: Date.UTC(2026, 0, 2, 3, 4, 5),
      provider: 'gigachat',
      model: 'GigaChat-2',
      hasFiles: true,
      estimatedTokens: expect.any(Number),
    })
  })

  it('offers a batch in the order of its offsets', async () => {
    ledger.accept.mockResolvedValue('accepted')
    await intake.take([1n, 2n, 3n].map((offset) => makeDelivery({ offset })))
    expect(ledger.accept.mock.calls.map(([{ source }]) => source.offset)).toEqual([1n, 2n, 3n])
  })

  it.each([
    ['ordered', Buffer.from('k'), makeOrderingKey('llm.tasks', 0, Buffer.from('k'))],
    ['ordered', null, null],
    ['prompt', Buffer.from('k'), null],
  ])('gives a task of type %s with the key %s its ordering key', async (type, key, expected) => {
    expect((await accept({ key, value: makeValue({ task_id: 'a', prompt: 'x', type }) })).orderingKey).toEqual(expected)
  })

  it.each(['accepted', 'duplicate', 'resend'] as const)('rejects nothing when the ledger answers %s', async (result) => {
    ledger.accept.mockResolvedValue(result)
    await expect(intake.take([makeDelivery()])).resolves.toBeUndefined()
    expect(ledger.accept).toHaveBeenCalledTimes(1)
  })

  it('rejects a task whose id was accepted before with another value', async () => {
    ledger.accept.mockResolvedValue('conflict')
    const rejections = await reject(makeDelivery({ value: makeValue({ task_id: 'a', prompt: 'x' }) }))
    expect(rejections.map(({ error }) => error.code)).toEqual(['conflict'])
    expect(readLetter(rejections[0])).toMatchObject({
      kind: 'rejected',
      task_id: 'a',
      tenant: 'default',
      error: { code: 'conflict', message: 'task_id: a was accepted before with another value; send a new task_id' },
    })
  })

  it('rejects what is no task, and stores the others of the batch', async () => {
    ledger.accept.mockResolvedValue('accepted')
    const bad = makeDelivery({ offset: 2n, value: Buffer.from('{') })
    const rejections = await reject(
      makeDelivery({ offset: 1n }),
      bad,
      makeDelivery({ offset: 3n }),
      makeDelivery({ offset: 4n, value: null }),
    )
    expect(rejections.map(({ source, error }) => [source.offset, error.code])).toEqual([
      [2n, 'invalid_json'],
      [4n, 'tombstone'],
    ])
    expect(ledger.accept.mock.calls.map(([{ source }]) => source.offset)).toEqual([1n, 3n])
  })

  it('names the task id of a message against the schema', async () => {
    const [rejection] = await reject(makeDelivery({ value: makeValue({ task_id: 'a' }) }))
    expect(readLetter(rejection)).toMatchObject({ task_id: 'a', error: { code: 'invalid_message' } })
  })

  it('rejects what the rules refuse, with the tenant that the message names', async () => {
    const rejections = await reject(
      makeDelivery({ value: makeValue({ task_id: 'a', prompt: 'x', tenant: 'stranger' }) }),
      makeDelivery({ value: makeValue({ task_id: 'b', prompt: 'x', type: 'nothing' }) }),
    )
    expect(rejections.map(readLetter)).toMatchObject([
      { task_id: 'a', tenant: 'stranger', error: { code: 'tenant_not_allowed' } },
      { task_id: 'b', error: { code: 'unknown_task_type' } },
    ])
    expect(readLetter(rejections[1])).not.toHaveProperty('tenant')
  })

  it('fails the batch, and rejects nothing of it, when the ledger is away', async () => {
    ledger.accept.mockResolvedValueOnce('conflict').mockRejectedValueOnce(TaskError.unavailable('ledger_unavailable', 'away'))
    await expect(intake.take([makeDelivery(), makeDelivery()])).rejects.toMatchObject({ code: 'ledger_unavailable' })
    expect(ledger.reject).not.toHaveBeenCalled()
  })

  it('rejects only the delivery that the ledger cannot take', async () => {
    ledger.accept.mockResolvedValueOnce('accepted').mockRejectedValueOnce(new Error('invalid byte sequence'))
    const rejections = await reject(makeDelivery({ offset: 1n }), makeDelivery({ offset: 2n }))
    expect(rejections.map(({ source, error }) => [source.offset, error.code])).toEqual([[2n, 'internal']])
  })

  it('fails the batch when its rejections cannot be stored', async () => {
    ledger.reject.mockRejectedValue(TaskError.unavailable('ledger_unavailable', 'away'))
    await expect(intake.take([makeDelivery({ value: null })])).rejects.toMatchObject({ code: 'ledger_unavailable' })
  })

  it('publishes the dead letters that the ledger gives back', async () => {
    const messages = [makeOutboxMessage({ channel: 'dead_letters' })]
    ledger.reject.mockResolvedValue(messages)
    ledger.markPublished.mockResolvedValue()
    publisher.publish.mockResolvedValue()
    await intake.take([makeDelivery({ value: null })])
    await relay.whenIdle()
    expect(publisher.publish.mock.calls).toEqual([[messages]])
  })

  it('takes the trace and the correlation id from the headers', async () => {
    const task = await accept({ headers: { traceparent: TRACEPARENT, 'correlation-id': 'order 15' } })
    expect(task).toMatchObject({ traceparent: TRACEPARENT, correlationId: 'order 15' })
  })

  it.each([
    ['a trace that is none', { traceparent: 'hello' }],
    ['an empty trace', { traceparent: '' }],
    ['an empty correlation id', { 'correlation-id': '' }],
    ['a correlation id of more than 256 bytes', { 'correlation-id': 'x'.repeat(257) }],
    ['a correlation id with a control character', { 'correlation-id': 'a\nb' }],
    ['a correlation id that is not ASCII', { 'correlation-id': 'заказ' }],
  ])('ignores %s', async (_, headers) => {
    expect(await accept({ headers })).toMatchObject({ traceparent: NEW_TRACE, correlationId: null })
  })

  it('keeps a correlation id of 256 bytes', async () => {
    expect((await accept({ headers: { 'correlation-id': 'x'.repeat(256) } })).correlationId).toHaveLength(256)
  })
})
