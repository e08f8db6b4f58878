const LIMIT_MS = 5_000

/** toxiproxy's HTTP API. Throws with its own words where it refuses. */
export class ToxiproxyApi {
  constructor(private readonly url: string) {}

  /** The answer's JSON; undefined where there is none. */
  async request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.url}/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(LIMIT_MS),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`toxiproxy answered ${answer.status} to ${method} ${path}: ${text.trim()}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}
