import { gunzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { expectedAnswer } from '../expected-answer.js'
import { openSimulator } from '../testing/open-simulator.js'
import { postRaw, type RawResult } from '../testing/raw.exchange.js'
import type { SimulatorClient } from '../testing/simulator.client.js'
import type { FaultInput } from './fault.schema.js'

const PATH = '/api/v1/chat/completions'
const QUESTION = 'Как дела?'
const ANSWER = expectedAnswer([{ role: 'user', content: QUESTION }])

async function openWith(fault: FaultInput): Promise<SimulatorClient> {
  const simulator = await openSimulator()
  await simulator.fault(fault)
  return simulator
}

async function askRaw(simulator: SimulatorClient, stream = false): Promise<RawResult> {
  const body = JSON.stringify({ model: 'GigaChat-2', stream, messages: [{ role: 'user', content: QUESTION }] })
  return postRaw(simulator.url, PATH, await simulator.token(), body)
}

function textOfEvents(body: string): string {
  const frames = [...body.matchAll(/^data: (\{.*\})$/gm)].map(
    ([, data]) => JSON.parse(data!) as { choices: { delta: { content: string } }[] },
  )
  return frames.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
}

async function contentOf(response: Response): Promise<string> {
  const reply = (await response.json()) as { choices: [{ message: { content: string } }] }
  return reply.choices[0].message.content
}

describe('fault instead of the answer', () => {
  it.each([
    [400, 'Your request contains invalid JSON syntax.'],
    [401, 'Token has expired'],
    [402, 'Payment Required'],
    [403, 'Permission denied'],
    [404, 'No such model'],
    [413, 'Payload too large'],
    [422, 'Unprocessable Entity'],
    [423, 'Model is temporarily unavailable due to technical reasons'],
    [429, 'Too many requests'],
    [500, 'Internal Server Error'],
    [502, 'Bad Gateway'],
    [503, 'Service Unavailable'],
    [504, 'Gateway Timeout'],
  ])('error %i has its documented body and is not paid', async (status, message) => {
    const simulator = await openWith({ kind: 'error', status })

    const response = await simulator.chat('hello', { stream: status % 2 === 0 })

    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ status, message })
    expect(response.headers.get('retry-after')).toBeNull()
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'refused', paid: false, fault: 'fault-1', status })
  })

  it.each([
    [5, '5'],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
  ])('error may bring Retry-After: %s, also inside a 200', async (retryAfter, header) => {
    const simulator = await openWith({ kind: 'error', status: 429, retryAfter, count: 1 })
    await simulator.fault({ kind: 'error_in_200', retryAfter })

    expect((await simulator.chat('hello')).headers.get('retry-after')).toBe(header)
    expect((await simulator.chat('hello')).headers.get('retry-after')).toBe(header)
  })

  it('error may have any body', async () => {
    const simulator = await openWith({ kind: 'error', status: 503, body: '' })

    expect(await (await simulator.chat('hello')).text()).toBe('')
  })

  it('error_in_200 hides a 429', async () => {
    const simulator = await openWith({ kind: 'error_in_200' })

    const response = await simulator.chat('hello')

    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 429, message: 'Too many requests' })
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'refused', paid: false, status: 200 })
  })

  it('html is the page of the front end', async () => {
    const simulator = await openWith({ kind: 'html' })

    const response = await simulator.chat('hello')

    expect([response.status, response.headers.get('content-type')]).toEqual([502, 'text/html'])
    expect(await response.text()).toContain('<h1>502 Bad Gateway</h1>')
  })
})

describe('fault around the answer', () => {
  it('slow_headers comes later but whole', async () => {
    const simulator = await openWith({ kind: 'slow_headers', ms: 80 })
    const started = performance.now()

    const response = await simulator.chat(QUESTION)

    expect(performance.now() - started).toBeGreaterThan(75)
    expect(await contentOf(response)).toBe(ANSWER)
  })

  it('stall before the headers lasts until the client gives up, and is not paid', async () => {
    const simulator = await openWith({ kind: 'stall', where: 'before_headers' })
    const abort = new AbortController()
    const asked = simulator.chat('hello', {}, { signal: abort.signal }).catch((error: Error) => error.name)
    await vi.waitFor(async () => expect(await simulator.summary()).toMatchObject({ open_streams: 1 }))

    abort.abort()

    expect(await asked).toBe('AbortError')
    await vi.waitFor(async () => expect((await simulator.bill())[0]).toMatchObject({ outcome: 'client_gone', paid: false, status: 0 }))
    expect(await simulator.summary()).toMatchObject({ open_streams: 0 })
  })

  it('stall in the middle gives the headers and half of the body; the answer is paid', async () => {
    const simulator = await openWith({ kind: 'stall', where: 'mid_body' })

    const response = await simulator.chat(QUESTION)
    const reader = response.body!.getReader()
    const half = await reader.read()
    const open = await simulator.summary()
    await reader.cancel()

    expect([response.status, half.value?.length]).toEqual([200, Math.floor(Number(response.headers.get('content-length')) / 2)])
    expect(open).toMatchObject({ open_streams: 1 })
    await vi.waitFor(async () => expect((await simulator.bill())[0]).toMatchObject({ outcome: 'client_gone', paid: true }))
  })

  it.each(['before_headers', 'mid_body'] as const)('stall %s with an end goes on', async (where) => {
    const simulator = await openWith({ kind: 'stall', where, ms: 30 })

    expect(await contentOf(await simulator.chat(QUESTION))).toBe(ANSWER)
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'answered', paid: true })
  })

  it.each([
    ['before_headers', false, false],
    ['after_processing', false, true],
    ['mid_body', false, true],
    ['mid_body', true, true],
  ] as const)('drop %s (stream %s) resets the connection; paid is %s', async (where, stream, paid) => {
    const simulator = await openWith({ kind: 'drop', where })

    const result = await askRaw(simulator, stream)

    expect(result.errorCode).toBe('ECONNRESET')
    expect(result.text.includes('HTTP/1.1 200 OK')).toBe(where === 'mid_body')
    await vi.waitFor(async () => expect((await simulator.bill())[0]).toMatchObject({ outcome: 'broken', paid, stream }))
    expect(await simulator.summary()).toMatchObject({ open_streams: 0 })
  })

  it('drop at a byte sends exactly so many bytes of the body', async () => {
    const simulator = await openWith({ kind: 'drop', where: 'mid_body', atByte: 17 })

    const result = await askRaw(simulator)

    expect(Buffer.concat(result.chunks).toString('latin1').split('\r\n\r\n')[1]).toHaveLength(17)
  })
})

describe('fault of the writes', () => {
  it.each([false, true])('split sends every byte alone, also inside of a character (stream %s)', async (stream) => {
    const simulator = await openWith({ kind: 'split', bytes: 1, gapMs: 0 })
    const response = await simulator.chat(QUESTION, { stream })

    const content = stream ? textOfEvents(await response.text()) : await contentOf(response)

    expect(content).toBe(ANSWER)
  })

  it('split at offsets arrives in as many pieces', async () => {
    const simulator = await openWith({ kind: 'split', at: [60, 90], gapMs: 20 })

    const result = await askRaw(simulator)

    // The headers travel with the first piece.
    expect(result.chunks).toHaveLength(3)
    expect(result.chunks[1]).toHaveLength(30)
  })

  it('coalesce sends several events in one write', async () => {
    const simulator = await openSimulator({ events: { tokensPerEvent: 1, intervalMs: 5 } })
    const plain = await askRaw(simulator, true)
    await simulator.fault({ kind: 'coalesce' })

    const coalesced = await askRaw(simulator, true)

    expect(plain.chunks.length).toBeGreaterThan(5)
    expect(coalesced.chunks.length).toBeLessThanOrEqual(2)
    expect(coalesced.text).toContain('[DONE]')
  })

  it('drip sends a few bytes at a time', async () => {
    const simulator = await openWith({ kind: 'drip', bytes: 100, everyMs: 10 })

    const result = await askRaw(simulator)

    expect(result.chunks.length).toBeGreaterThanOrEqual(3)
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'answered' })
  })

  it.each([false, true])('gzip packs the answer (stream %s)', async (stream) => {
    const simulator = await openWith({ kind: 'gzip' })

    const response = await simulator.chat(QUESTION, { stream })

    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.text()).toContain(stream ? '[DONE]' : ANSWER)
  })

  it('gzip may be a bomb', async () => {
    const simulator = await openWith({ kind: 'gzip', answerBytes: 5_000_000 })

    const result = await askRaw(simulator)

    const bytes = Buffer.concat(result.chunks)
    const body = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
    expect(body.length).toBeLessThan(50_000)
    expect(gunzipSync(body)).toHaveLength(5_000_000)
  })

  it.each([false, true])('huge_body has at least so many bytes and stays readable (stream %s)', async (stream) => {
    const simulator = await openWith({ kind: 'huge_body', bytes: 3_000_001 })

    const text = await (await simulator.chat(QUESTION, { stream })).text()

    expect(Buffer.byteLength(text)).toBeGreaterThanOrEqual(3_000_001)
    expect(stream ? textOfEvents(text) : (JSON.parse(text) as { object: string }).object).toBe(stream ? ANSWER : 'chat.completion')
  })
})

describe('fault of the content', () => {
  it('no_done ends a v1 stream without [DONE]', async () => {
    const simulator = await openWith({ kind: 'no_done' })

    const text = await (await simulator.chat(QUESTION, { stream: true })).text()

    expect(text).not.toContain('[DONE]')
    expect(textOfEvents(text)).toBe(ANSWER)
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'broken', paid: true })
  })

  it('stream_error ends a v1 stream with a frame without choices', async () => {
    const simulator = await openWith({ kind: 'stream_error', afterEvents: 2, status: 503, message: 'overloaded' })

    const events = (await (await simulator.chat(QUESTION, { stream: true })).text()).trimEnd().split('\n\n')

    expect(events).toHaveLength(3)
    expect(events[2]).toBe('data: {"status_code":503,"message":"overloaded"}')
  })

  it('stream_error is a named event in a v2 stream', async () => {
    const simulator = await openWith({ kind: 'stream_error', afterEvents: 1 })

    const response = await simulator.call('POST', '/v2/chat/completions', {
      model: 'GigaChat-2',
      stream: true,
      messages: [{ role: 'user', content: [{ text: 'hello' }] }],
    })

    expect((await response.text()).trimEnd().split('\n\n')[1]).toBe(
      'event: error\ndata: {"status_code":500,"message":"Internal Server Error"}',
    )
  })

  it('empty_choices, wrong_content_type, finish_reason and wrong_request_id change one thing each', async () => {
    const simulator = await openSimulator()
    const faults: FaultInput[] = [
      { kind: 'empty_choices', count: 1 },
      { kind: 'wrong_content_type', count: 1 },
      { kind: 'finish_reason', value: 'error', count: 1 },
      { kind: 'wrong_request_id', value: 'other', count: 1 },
    ]
    await simulator.control('POST', '/faults', faults)
    const ask = async (): Promise<Response> => simulator.chat(QUESTION, {}, { headers: { 'X-Request-ID': 'mine' } })

    expect(await (await ask()).json()).toMatchObject({ choices: [], usage: { prompt_tokens: 4 } })
    expect((await ask()).headers.get('content-type')).toBe('text/html')
    expect(await (await ask()).json()).toMatchObject({ choices: [{ finish_reason: 'error' }] })
    expect((await ask()).headers.get('x-request-id')).toBe('other')
    expect((await ask()).headers.get('x-request-id')).toBe('mine')
  })

  it.each([false, true])('truncated_json ends in order in the middle of the value (stream %s)', async (stream) => {
    const simulator = await openWith({ kind: 'truncated_json' })

    const response = await simulator.chat(QUESTION, { stream })

    const text = await response.text()
    const json = stream ? text.trimEnd().split('\n\n').at(-2)!.replace('data: ', '') : text
    expect(json).toMatch(/^\{/)
    expect(() => JSON.parse(json) as unknown).toThrow(SyntaxError)
  })
})
