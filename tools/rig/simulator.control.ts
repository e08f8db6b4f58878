/** One call on the simulator's bill. */
export interface BilledCall {
  readonly sequence: number
  readonly time: string
  /** null while it is in work. */
  readonly duration_ms: number | null
  readonly method: string
  readonly path: string
  readonly credential: string | null
  readonly attempt_id: string | null
  readonly tasks: readonly string[]
  readonly model: string | null
  readonly status: number
  readonly outcome: 'open' | 'answered' | 'refused' | 'broken' | 'client_gone'
  readonly paid: boolean
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly stream: boolean
  readonly fault: string | null
}

/** The simulator's control API, as far as tests and the demo need it. */
export class SimulatorControl {
  constructor(private readonly controlUrl: string) {}

  /** Merges into the simulator's settings (JSON merge patch). */
  async set(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await this.request('PUT', 'settings', settings)
  }

  /** Rules as in apps/simulator's fault.schema.ts. Returns their ids. */
  async addFaults(...rules: readonly Readonly<Record<string, unknown>>[]): Promise<string[]> {
    return ((await this.request('POST', 'faults', rules)) as { ids: string[] }).ids
  }

  async removeFault(id: string): Promise<void> {
    await this.request('DELETE', `faults?id=${encodeURIComponent(id)}`)
  }

  /** Every access token that was given out is refused from now on. */
  async revokeTokens(): Promise<void> {
    await this.request('POST', 'revoke-tokens')
  }

  /** Every call that it has seen, oldest first. */
  async bill(): Promise<BilledCall[]> {
    const calls: BilledCall[] = []
    for (let since = '0', more = true; more;) {
      const answer = await this.answer('GET', `bill?since=${since}`)
      const lines = (await answer.text()).split('\n').filter((line) => line !== '')
      calls.push(...lines.map((line) => JSON.parse(line) as BilledCall))
      since = answer.headers.get('x-sim-next-since') ?? since
      more = answer.headers.get('x-sim-more') === 'true'
    }
    return calls
  }

  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = await this.text(method, path, body)
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text
  }

  /** The answer as it came: one JSON record a line for `bill`. */
  async text(method: string, path: string, body?: unknown): Promise<string> {
    return (await this.answer(method, path, body)).text()
  }

  private async answer(method: string, path: string, body?: unknown): Promise<Response> {
    const answer = await fetch(`${this.controlUrl}/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    if (answer.ok) return answer
    const text = await answer.text()
    throw new Error(`the simulator's control API answered ${answer.status} to ${method} ${path}: ${text.slice(0, 500)}`)
  }
}
