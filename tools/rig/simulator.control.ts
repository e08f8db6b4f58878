/** The simulator's control API, as far as tests and the demo need it. */
export class SimulatorControl {
  constructor(private readonly controlUrl: string) {}

  /** Merges into the simulator's settings (JSON merge patch). */
  async set(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await this.request('PUT', 'settings', settings)
  }

  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = await this.text(method, path, body)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** The body as it came: the bill is one JSON object a line. */
  async text(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await fetch(`${this.controlUrl}/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`the simulator's control API answered ${answer.status} to ${method} ${path}: ${text.slice(0, 500)}`)
    return text
  }
}
