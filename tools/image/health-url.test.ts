import { describe, expect, it } from 'vitest'
import { healthUrl } from './health-url.js'

describe(healthUrl.name, () => {
  it.each([
    [{}, 'http://127.0.0.1:8080/health/live'],
    [{ HTTP_HOST: '0.0.0.0', HTTP_PORT: '9090' }, 'http://127.0.0.1:9090/health/live'],
    [{ HTTP_HOST: '::', HTTP_PORT: '' }, 'http://127.0.0.1:8080/health/live'],
    [{ HTTP_HOST: '10.0.0.7' }, 'http://10.0.0.7:8080/health/live'],
    [{ HTTP_HOST: '::1' }, 'http://[::1]:8080/health/live'],
  ])('asks where %o listens', (env, url) => {
    expect(healthUrl(env)).toBe(url)
  })
})
