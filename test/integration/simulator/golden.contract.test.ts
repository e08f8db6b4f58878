import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FaultInput } from '../../../apps/simulator/src/faults/fault.schema.js'
import type { Scope, SettingsPatch } from '../../../apps/simulator/src/settings.schema.js'
import { openSimulator } from '../../../apps/simulator/src/testing/open-simulator.js'

/** A request and what the real service answers to it. `<uuid>`, `<number>` and `<text>` stand for any value of that kind. */
interface GoldenPair {
  readonly name: string
  readonly scope?: Scope
  readonly settings?: SettingsPatch
  readonly fault?: FaultInput
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Record<string, string>
    readonly body?: unknown
    readonly text?: string
  }
  readonly response: {
    readonly status: number
    /** null = the header must be absent. */
    readonly headers?: Record<string, string | null>
    readonly body?: unknown
    readonly events?: readonly { readonly event?: string; readonly data: unknown }[]
  }
}

const PLACEHOLDERS: Readonly<Record<string, unknown>> = {
  '<uuid>': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  '<number>': expect.any(Number),
  '<text>': expect.any(String),
}

function readGolden(name: string): GoldenPair[] {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')) as GoldenPair[]
}

function withPlaceholders(value: unknown): unknown {
  if (typeof value === 'string') return PLACEHOLDERS[value] ?? value
  if (Array.isArray(value)) return value.map(withPlaceholders)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPlaceholders(item)]))
}

function parseEvents(text: string): { event?: string; data: unknown }[] {
  const frames = text.split('\n\n')
  if (frames.pop() !== '') throw new Error('the stream must end with an empty line')
  return frames.map((frame) => {
    const match = /^(?:event: (?<event>.*)\n)?data: (?<data>.*)$/.exec(frame)
    if (match?.groups === undefined) throw new Error(`not a frame: ${frame}`)
    const { event, data } = match.groups
    return { ...(event !== undefined && { event }), data: data === '[DONE]' ? data : (JSON.parse(data!) as unknown) }
  })
}

describe.each(['chat-v1', 'chat-v2', 'other'])('golden pairs of %s', (file) => {
  it.each(readGolden(file))('$name', async ({ scope, settings, fault, request, response: golden }) => {
    const simulator = await openSimulator(settings)
    if (fault !== undefined) await simulator.fault(fault)
    const token = await simulator.token(scope)

    const response = await simulator.call(request.method, request.path, request.text ?? request.body, {
      token,
      headers: request.headers ?? {},
    })

    expect(response.status).toBe(golden.status)
    const headers = golden.headers ?? { 'content-type': 'application/json; charset=utf-8' }
    expect(Object.fromEntries(Object.keys(headers).map((name) => [name, response.headers.get(name)]))).toEqual(withPlaceholders(headers))
    const received: unknown = golden.events === undefined ? await response.json() : parseEvents(await response.text())
    expect(received).toEqual(withPlaceholders(golden.events ?? golden.body))
  })
})
