import { describe, expect, it } from 'vitest'
import { makeServerEnvironment } from './server-environment.js'

describe(makeServerEnvironment.name, () => {
  it('keeps from a server what would quietly change it', () => {
    const env = { PATH: '/bin', PGDATA: '/elsewhere', NODE_OPTIONS: '--inspect', MINIO_VOLUMES: '/x', KAFKA_OPTS: '-Dx' }
    expect(makeServerEnvironment(env, { LC_ALL: 'C' })).toEqual({ PATH: '/bin', LC_ALL: 'C' })
  })
})
