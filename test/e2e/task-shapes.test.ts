import { createHash } from 'node:crypto'
import type { ServiceRig } from '#tools/rig'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectedAnswer } from '../../apps/simulator/src/expected-answer.js'
import { ask, callsOf } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

describe('Sluice, every shape of task', () => {
  let rig: ServiceRig

  beforeAll(async () => {
    rig = await openRig('shapes')
    await rig.startWorker()
  })
  afterAll(() => rig?.close())

  it('answers a prompt, and says what it cost and where it came from', async () => {
    const task = makePrompt('prompt', { metadata: { order: 7 }, model: 'GigaChat-2-Pro' })
    const [result] = await ask(rig, task)
    const [call] = await callsOf(rig, 'prompt')
    expect(result).toMatchObject({
      tenant: 'default',
      task_id: 'prompt',
      run: 1,
      type: 'prompt',
      outcome: 'succeeded',
      output: { text: expectedAnswer([{ role: 'user', content: task.prompt! }]) },
      usage: { prompt_tokens: call!.prompt_tokens, completion_tokens: call!.completion_tokens },
      finish_reason: 'stop',
      model: expect.stringMatching(/^GigaChat-2-Pro:/),
      attempts: 1,
      versions: { settings: 1 },
      metadata: { order: 7 },
    })
    expect(result!.error).toBeUndefined()
    expect(Date.parse(result!.timings.finished_at)).toBeGreaterThanOrEqual(Date.parse(result!.timings.accepted_at))
  })

  it('answers messages', async () => {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'first' },
      { role: 'assistant' as const, content: 'yes' },
      { role: 'user' as const, content: '[[task:messages]] and then?' },
    ]
    const [result] = await ask(rig, { task_id: 'messages', messages })
    expect(result!.output!.text).toBe(expectedAnswer(messages))
  })

  it('answers a template with variables and says its version', async () => {
    const [result] = await ask(rig, {
      task_id: 'template',
      template: { name: 'greeting', variables: { name: 'Ада {{ 1 }}', task: 'template' } },
    })
    const messages = [
      { role: 'system', content: 'Be polite.' },
      { role: 'user', content: '[[task:template]] Greet Ада {{ 1 }} in one word.' },
    ]
    expect(result).toMatchObject({ output: { text: expectedAnswer(messages) }, versions: { prompt: 'greeting@1' } })
  })

  it('reads files from object storage', async () => {
    await rig.bucket.put('inputs/a.txt', 'nothing to see')
    await rig.bucket.put('inputs/b.md', '# ж [[json:{"from":"b"}]]', 'text/markdown')
    const [result] = await ask(rig, {
      task_id: 'files',
      prompt: '[[task:files]] read',
      files: [{ key: 'inputs/a.txt' }, { key: 'inputs/b.md', name: 'second' }],
    })
    expect(result!.output!.text).toBe('{"from":"b"}')
  })

  it('checks an answer by the schema of its type, and by one of its own', async () => {
    const [ofType, own] = await ask(
      rig,
      { task_id: 'schema-of-type', type: 'facts', prompt: '[[json:{"name":"Ада","age":36}]]' },
      {
        task_id: 'schema-own',
        prompt: '[[json:[1,2,3]]]',
        response_schema: { type: 'array', items: { type: 'integer' }, maxItems: 3 },
      },
    )
    expect(ofType!.output).toEqual({ text: '{"name":"Ада","age":36}', json: { name: 'Ада', age: 36 } })
    expect(own!.output!.json).toEqual([1, 2, 3])
  })

  it('fails a task whose answer is not what its schema asks for, keeps the answer and does not call again', async () => {
    const [result] = await ask(rig, { task_id: 'schema-bad', type: 'facts', prompt: '[[task:schema-bad]] [[json:{"name":"Ада"}]]' })
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'output_invalid', retryable: false }, usage: expect.any(Object) })
    await expect(callsOf(rig, 'schema-bad')).resolves.toHaveLength(1)
    const [answer] = await rig.ledger.rows<{ body: Buffer }>(
      `SELECT a.body FROM answer a JOIN task t ON t.id = a.task_number WHERE t.task_id = 'schema-bad'`,
    )
    expect(answer!.body.toString()).toContain('Ада')
  })

  it('collects a streamed answer', async () => {
    const task = makePrompt('streamed', { type: 'streamed' })
    const [result] = await ask(rig, task)
    expect(result).toMatchObject({
      output: { text: expectedAnswer([{ role: 'user', content: task.prompt! }]) },
      finish_reason: 'stop',
      usage: { total_tokens: expect.any(Number) },
    })
    await expect(callsOf(rig, 'streamed')).resolves.toMatchObject([{ stream: true, paid: true }])
  })

  it('puts a large answer into object storage and names it', async () => {
    const prompt = '[[task:large]] [[answer_bytes:5000]] ключ'
    const [result] = await ask(rig, { task_id: 'large', prompt, params: { max_tokens: 8192 } })
    const { key, size, sha256, bucket } = result!.output_ref!
    expect(result!.output).toBeUndefined()
    expect(bucket).toBe(rig.bucket.name)
    const body = await rig.bucket.get(key)
    expect(body.toString()).toBe(expectedAnswer([{ role: 'user', content: prompt }]))
    expect({ size, sha256 }).toEqual({ size: 5_000, sha256: createHash('sha256').update(body).digest('hex') })
  })

  it('passes on why the model stopped', async () => {
    const [length, blacklist] = await ask(
      rig,
      { task_id: 'length', prompt: '[[length]] tell me all' },
      { task_id: 'blacklist', prompt: '[[blacklist]] hm' },
    )
    expect(length).toMatchObject({ outcome: 'succeeded', finish_reason: 'length' })
    expect(blacklist).toMatchObject({ outcome: 'succeeded', finish_reason: 'blacklist' })
  })

  it('carries trace and correlation ids from the task to its result', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const results = await rig.results()
    await rig.producer.send([
      {
        topic: rig.topics.names.tasks,
        key: 'customer-7',
        value: makePrompt('traced'),
        headers: { traceparent, 'correlation-id': 'order 9', kafka_replyTopic: 'evil' },
      },
    ])
    await results.waitFor((events) => events.some(({ value }) => value.task_id === 'traced'), { what: 'the traced result' })
    const event = results.events.find(({ value }) => value.task_id === 'traced')!
    expect(event.value).toMatchObject({ trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', correlation_id: 'order 9' })
    expect(event.key).toBe('customer-7')
    expect(event.headers.get('traceparent')).toContain('4bf92f3577b34da6a3ce929d0e0e4736')
    expect(event.headers.get('correlation-id')).toBe('order 9')
    expect([...event.headers.keys()]).not.toContain('kafka_replyTopic')
  })
})
