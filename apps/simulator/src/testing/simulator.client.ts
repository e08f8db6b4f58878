import { randomUUID } from 'node:crypto'
import type { FaultInput } from '../faults/fault.schema.js'
import type { Scope, SettingsPatch } from '../settings.schema.js'

export interface BillLine {
  readonly sequence: number
  readonly duration_ms: number | null
  readonly method: string
  readonly path: string
  readonly credential: string | null
  readonly attempt_id: string | null
  readonly tasks: readonly string[]
  readonly model: string | null
  readonly status: number
  readonly outcome: string
  readonly paid: boolean
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly stream: boolean
  readonly fault: string | null
}

export interface TokenReply {
  readonly access_token: string
  readonly expires_at: number
}

/** A plain HTTP client of a running simulator: what a test needs and nothing of the service. */
export class SimulatorClient {
  constructor(readonly url: string) {}

  async requestToken(headers: Record<string, string>, scope: string): Promise<Response> {
    return fetch(`${this.url}/api/v2/oauth`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(scope === '' ? {} : { scope }),
    })
  }

  async token(scope: Scope = 'GIGACHAT_API_CORP', clientId = 'client'): Promise<string> {
    const response = await this.requestToken({ Authorization: makeBasic(clientId), RqUID: randomUUID() }, scope)
    if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`)
    return ((await response.json()) as TokenReply).access_token
  }

  /** A call with a fresh token; `init.headers` may bring another one. A body that is an object goes out as JSON. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    init: { token?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const token = init.token ?? (await this.token())
    return fetch(this.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(typeof body === 'object' && { 'Content-Type': 'application/json' }),
        ...init.headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(init.signal !== undefined && { signal: init.signal }),
    })
  }

  /** One user message to `GigaChat-2`, with further fields of the request. */
  async chat(content: string, fields: Record<string, unknown> = {}, init: Parameters<SimulatorClient['call']>[3] = {}): Promise<Response> {
    return this.call('POST', '/api/v1/chat/completions', { model: 'GigaChat-2', messages: [{ role: 'user', content }], ...fields }, init)
  }

  async control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/__sim${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} /__sim${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async settings(patch: SettingsPatch): Promise<void> {
    await this.control('PUT', '/settings', patch)
  }

  async fault(fault: FaultInput): Promise<string> {
    const { ids } = await this.control<{ ids: [string] }>('POST', '/faults', fault)
    return ids[0]
  }

  /** Lines of the bill that are not token requests. */
  async bill(since = 0): Promise<BillLine[]> {
    const text = await (await fetch(`${this.url}/__sim/bill?since=${since}`)).text()
    const lines = text.split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as BillLine).filter((line) => !line.path.endsWith('/oauth'))
  }

  async summary(): Promise<Record<string, never> & { streams: { credential: string; max: number; in_use: number; refused: number }[] }> {
    return this.control('GET', '/bill/summary')
  }
}

export function makeBasic(clientId: string, secret = 'secret'): string {
  return `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
}
