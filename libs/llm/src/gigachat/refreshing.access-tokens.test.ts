import { describe, expect, it } from 'vitest'
import { Clock, TaskError } from '#libs/kernel'
import { RefreshingAccessTokens } from './refreshing.access-tokens.js'
import type { IssuedToken } from './token.response.js'

const LIFETIME_MS = 1_800_000
/** Without jitter: 5 % of half an hour. */
const LEAD_MS = 90_000

class FakeClock extends Clock {
  ms = 0

  nowMs(): number {
    return this.ms
  }

  monotonicMs(): number {
    return this.ms
  }
}

/** Each request stays open until the test answers it. */
class FakeIssuer {
  readonly open: { resolve: (token: IssuedToken) => void; reject: (error: unknown) => void }[] = []
  requests = 0
  closed = false

  issue(): Promise<IssuedToken> {
    this.requests++
    return new Promise((resolve, reject) => this.open.push({ resolve, reject }))
  }

  answer(token: string, lifetimeMs = LIFETIME_MS): void {
    this.open.shift()?.resolve({ token, lifetimeMs })
  }

  fail(error: unknown): void {
    this.open.shift()?.reject(error)
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

function setUp(random = 0) {
  const clock = new FakeClock()
  const issuer = new FakeIssuer()
  const tokens = new RefreshingAccessTokens(issuer, clock, () => random)
  return { clock, issuer, tokens }
}

async function withToken(random?: number) {
  const parts = setUp(random)
  const first = parts.tokens.current()
  parts.issuer.answer('one')
  await first
  return parts
}

const busy = new TaskError('llm_auth_unavailable', 'answered 429', { retryable: true })

describe(RefreshingAccessTokens.name, () => {
  it('asks once for all calls that wait for the first token', async () => {
    const { issuer, tokens } = setUp()
    const waiting = Array.from({ length: 50 }, async () => tokens.current())
    issuer.answer('one')
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 50 }, () => 'one'))
    expect(issuer.requests).toBe(1)
  })

  it('gives a token that it holds without waiting', async () => {
    const { tokens } = await withToken()
    expect(tokens.current()).toBe('one')
  })

  it('serves the old token while it gets a new one ahead of time', async () => {
    const { clock, issuer, tokens } = await withToken()
    clock.ms = LIFETIME_MS - LEAD_MS - 1
    expect([tokens.current(), issuer.requests]).toEqual(['one', 1])
    clock.ms += 1
    expect([tokens.current(), tokens.current(), issuer.requests]).toEqual(['one', 'one', 2])
    issuer.answer('two')
    await expect.poll(() => tokens.current()).toBe('two')
    expect(issuer.requests).toBe(2)
  })

  it('refreshes earlier by its jitter, so that replicas do not ask together', async () => {
    const { clock, issuer, tokens } = await withToken(1)
    clock.ms = LIFETIME_MS - LEAD_MS * 1.25
    void tokens.current()
    expect(issuer.requests).toBe(2)
  })

  it('waits for a new token when the old one is over', async () => {
    const { clock, issuer, tokens } = await withToken()
    clock.ms = LIFETIME_MS - 1_000
    const next = tokens.current()
    expect(next).toBeInstanceOf(Promise)
    issuer.answer('two')
    expect(await next).toBe('two')
  })

  it('does not ask before each call when tokens live shorter than the lead', async () => {
    const { clock, issuer, tokens } = setUp()
    const first = tokens.current()
    issuer.answer('short', 10_000)
    await first
    clock.ms = 4_000
    expect([tokens.current(), issuer.requests]).toEqual(['short', 1])
  })

  it('drops a rejected token only when it is the one that it holds', async () => {
    const { issuer, tokens } = await withToken()
    tokens.reject('one')
    const next = tokens.current()
    issuer.answer('two')
    expect(await next).toBe('two')
    tokens.reject('one')
    expect([tokens.current(), issuer.requests]).toEqual(['two', 2])
  })

  it('asks nothing for a while after a failure, and says for how long', async () => {
    const { clock, issuer, tokens } = setUp()
    const first = tokens.current()
    issuer.fail(busy)
    await expect(first).rejects.toMatchObject({ code: 'llm_auth_unavailable', retryable: true, retryAfterMs: 500 })
    clock.ms = 200
    await expect(tokens.current()).rejects.toMatchObject({ code: 'llm_auth_unavailable', retryAfterMs: 300 })
    expect(issuer.requests).toBe(1)
    clock.ms = 500
    const second = tokens.current()
    issuer.fail(busy)
    await expect(second).rejects.toMatchObject({ retryAfterMs: 1_000 })
  })

  it('lengthens the pauses up to half a minute, and forgets them after a success', async () => {
    const { clock, issuer, tokens } = setUp()
    for (let count = 0; count < 12; count++) {
      const failing = tokens.current()
      issuer.fail(new Error('defect'))
      await expect(failing).rejects.toMatchObject({ code: 'llm_auth_unavailable' })
      clock.ms += 30_000
    }
    const last = tokens.current()
    issuer.fail(busy)
    await expect(last).rejects.toMatchObject({ retryAfterMs: 30_000 })
    clock.ms += 30_000
    const good = tokens.current()
    issuer.answer('one')
    expect(await good).toBe('one')
    tokens.reject('one')
    const failing = tokens.current()
    issuer.fail(busy)
    await expect(failing).rejects.toMatchObject({ retryAfterMs: 500 })
  })

  it.each([
    [7_000, 7_000],
    [86_400_000, 300_000],
  ])('pauses as long as the server asks (%i ms), but not for ever', async (asked, paused) => {
    const { issuer, tokens } = setUp()
    const failing = tokens.current()
    issuer.fail(new TaskError('llm_auth_unavailable', 'x', { retryable: true, retryAfterMs: asked }))
    await expect(failing).rejects.toMatchObject({ retryAfterMs: paused })
  })

  it('serves the valid token while refreshing fails, and tries again after the pause', async () => {
    const { clock, issuer, tokens } = await withToken()
    clock.ms = LIFETIME_MS - LEAD_MS
    void tokens.current()
    issuer.fail(busy)
    await expect.poll(() => issuer.open.length).toBe(0)
    expect([tokens.current(), issuer.requests]).toEqual(['one', 2])
    clock.ms += 500
    expect([tokens.current(), issuer.requests]).toEqual(['one', 3])
  })

  it('closes its issuer', async () => {
    const { issuer, tokens } = setUp()
    await tokens.close()
    expect(issuer.closed).toBe(true)
  })
})
