import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startStack } from './start-stack.js'
import { occupyPort } from './testing/occupied.port.js'
import { makeTemporaryFolder } from './testing/temporary.folder.js'

function makeFolders() {
  const folder = makeTemporaryFolder()
  return { SLUICE_CACHE_DIR: join(folder, 'cache'), SLUICE_RUN_DIR: join(folder, 'run') }
}

describe(startStack.name, () => {
  it('starts nothing where the environment names a server that answers', async () => {
    const broker = `127.0.0.1:${await occupyPort()}`
    await using stack = await startStack({ name: 'replaced', parts: ['kafka'], env: { ...makeFolders(), KAFKA_BROKERS: broker } })
    expect(stack.kafkaBrokers).toEqual([broker])
    expect(stack.isLocal('kafka')).toBe(false)
    expect(() => stack.server('kafka')).toThrow('kafka was not started by the stack "replaced"')
    expect(() => stack.databaseUrl).toThrow('the stack "replaced" has no postgres')
  })

  it('makes no folder for a stack whose prerequisites are missing', async () => {
    const env = { ...makeFolders(), PATH: '/nowhere' }
    await expect(startStack({ name: 'poor', parts: ['postgres', 'kafka'], env })).rejects.toThrow('Kafka needs Java')
    expect(existsSync(join(env.SLUICE_RUN_DIR, 'ephemeral'))).toBe(false)
  })
})
