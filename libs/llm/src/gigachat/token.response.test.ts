import { describe, expect, it } from 'vitest'
import { readToken } from './token.response.js'

const NOW_MS = 1_706_026_000_000

describe(readToken.name, () => {
  it.each([
    ['access_token and milliseconds', { access_token: 't', expires_at: NOW_MS + 5_000 }, 5_000],
    ['access_token and seconds', { access_token: 't', expires_at: NOW_MS / 1_000 + 5 }, 5_000],
    ['tok and seconds', { tok: 't', exp: NOW_MS / 1_000 + 5 }, 5_000],
    ['tok and milliseconds', { tok: 't', exp: NOW_MS + 5_000 }, 5_000],
    ['a time of expiry that our clock is already past', { access_token: 't', expires_at: NOW_MS - 1 }, 60_000],
  ])('reads %s', (_name, body, lifetimeMs) => {
    expect(readToken(body, NOW_MS)).toEqual({ token: 't', lifetimeMs })
  })

  it.each([
    [{}],
    [null],
    [{ access_token: '', expires_at: 1 }],
    [{ access_token: 't' }],
    [{ tok: 't', exp: 'soon' }],
    [{ tok: 't', exp: NaN }],
  ])('refuses %j', (body) => {
    expect(readToken(body, NOW_MS)).toBeUndefined()
  })
})
