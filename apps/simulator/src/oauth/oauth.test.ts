import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openSimulator } from '../testing/open-simulator.js'
import { makeBasic } from '../testing/simulator.client.js'

const SCOPE = 'GIGACHAT_API_PERS'

function goodHeaders(): Record<string, string> {
  return { Authorization: makeBasic('client'), RqUID: randomUUID() }
}

describe('POST /api/v2/oauth', () => {
  it('gives a token of 1.2 kB that ends in 30 minutes, in milliseconds', async () => {
    const simulator = await openSimulator()

    const response = await simulator.requestToken(goodHeaders(), SCOPE)

    const reply = (await response.json()) as { access_token: string; expires_at: number }
    expect(Object.keys(reply)).toEqual(['access_token', 'expires_at'])
    expect(Math.abs(reply.access_token.length - 1233)).toBeLessThan(5)
    expect(Math.abs(reply.expires_at - Date.now() - 1_800_000)).toBeLessThan(5_000)
  })

  it('gives the older shape in seconds when the settings say so', async () => {
    const simulator = await openSimulator({ oauth: { replyShape: 'tok' } })

    const reply = (await (await simulator.requestToken(goodHeaders(), SCOPE)).json()) as { tok: string; exp: number }

    expect(Object.keys(reply)).toEqual(['tok', 'exp'])
    expect(Math.abs(reply.exp - Date.now() / 1000 - 1800)).toBeLessThan(5)
  })

  it.each([
    ['no scope', '', {}, 400, { code: 5, message: 'scope is empty' }],
    ['an unknown scope', 'ROOT', {}, 400, { code: 1, message: 'scope data format invalid' }],
    ['no RqUID', SCOPE, { RqUID: '' }, 400, { code: 2, message: 'RqUID header is missing or is not a uuid4' }],
    ['an RqUID that is no uuid4', SCOPE, { RqUID: '1' }, 400, { code: 2, message: 'RqUID header is missing or is not a uuid4' }],
    ['a key that is not base64', SCOPE, { Authorization: 'Basic !!' }, 401, { code: 4, message: "Can't decode 'Authorization' header" }],
    ['the old Bearer scheme', SCOPE, { Authorization: makeBasic('a').replace('Basic', 'Bearer') }, 401, { code: 4 }],
    ['a wrong secret', SCOPE, { Authorization: makeBasic('known', 'x') }, 401, { code: 6, message: "credentials doesn't match db data" }],
    [
      'a scope of other keys',
      SCOPE,
      { Authorization: makeBasic('known', 'right') },
      400,
      { code: 7, message: 'scope from db not fully includes consumed scope' },
    ],
  ])('refuses %s', async (_name, scope, headers, status, body) => {
    const credentials = [{ clientId: 'known', clientSecret: 'right', scopes: ['GIGACHAT_API_CORP' as const] }]
    const simulator = await openSimulator({ oauth: { credentials } })

    const response = await simulator.requestToken({ ...goodHeaders(), ...headers }, scope)

    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject(body)
  })

  it('answers 429 to more than ten requests a second of one credential', async () => {
    const simulator = await openSimulator({ oauth: { requestsPerSecond: 10 } })

    const replies = await Promise.all(Array.from({ length: 12 }, () => simulator.requestToken(goodHeaders(), SCOPE)))

    expect(replies.filter((reply) => reply.status === 429)).toHaveLength(2)
  })

  it('answers 429 to parallel requests when the settings allow one at a time', async () => {
    const simulator = await openSimulator({ oauth: { maxConcurrent: 1, latencyMs: 200 } })

    const statuses = (await Promise.all([1, 2].map(() => simulator.requestToken(goodHeaders(), SCOPE)))).map(({ status }) => status)
    const later = await simulator.requestToken(goodHeaders(), SCOPE)

    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 429])
    expect(later.status).toBe(200)
  })

  it('counts token requests on the bill', async () => {
    const simulator = await openSimulator()
    await simulator.token()

    expect(await simulator.summary()).toMatchObject({ oauth_calls: 1, calls: 1, paid: 0 })
  })
})

describe('bearer token', () => {
  it('is refused when it was never given', async () => {
    const simulator = await openSimulator()

    const response = await simulator.chat('hello', {}, { token: 'invented' })

    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({ status: 401, message: 'Unauthorized' })
  })

  it('expires after its time', async () => {
    const simulator = await openSimulator({ oauth: { ttlMs: 0 } })

    const response = await simulator.chat('hello')

    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({ status: 401, message: 'Token has expired' })
  })

  it('expires when all tokens are revoked, and a new one is good', async () => {
    const simulator = await openSimulator()
    const token = await simulator.token()
    expect((await simulator.chat('hello', {}, { token })).status).toBe(200)

    expect(await simulator.control('POST', '/revoke-tokens')).toEqual({ revoked: 1 })

    expect((await simulator.chat('hello', {}, { token })).status).toBe(401)
    expect((await simulator.chat('hello')).status).toBe(200)
  })

  it('comes from user and password too, in the older shape', async () => {
    const simulator = await openSimulator()
    const response = await fetch(`${simulator.url}/v1/token`, { method: 'POST', headers: { Authorization: makeBasic('user', 'password') } })

    const { tok, exp } = (await response.json()) as { tok: string; exp: number }

    expect(exp).toBeLessThan(1e12)
    expect((await simulator.chat('hello', {}, { token: tok })).status).toBe(200)
  })
})
