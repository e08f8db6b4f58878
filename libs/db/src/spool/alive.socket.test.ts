import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeTemporaryFolder } from '../../../../test/factories/temporary-folder.factory.js'
import { AliveSocket } from './alive.socket.js'

/** Another process that listens as AliveSocket does. */
async function spawnOwner(path: string) {
  const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('listening'))`
  const owner = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void owner.kill('SIGKILL'))
  await once(owner.stdout, 'data')
  return owner
}

describe(AliveSocket.name, () => {
  it('is alive until it is closed, and leaves nothing behind', async () => {
    const path = join(makeTemporaryFolder(), 'a.alive')
    await expect(AliveSocket.isAlive(path)).resolves.toBe(false)
    const socket = await AliveSocket.open(path)
    await expect(AliveSocket.isAlive(path)).resolves.toBe(true)
    await socket.close()
    await expect(AliveSocket.isAlive(path)).resolves.toBe(false)
  })

  it('dies with its process, and not when that is only stopped', async () => {
    const path = join(makeTemporaryFolder(), 'b.alive')
    const owner = await spawnOwner(path)
    owner.kill('SIGSTOP')
    await expect(AliveSocket.isAlive(path)).resolves.toBe(true)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await expect(AliveSocket.isAlive(path)).resolves.toBe(false)
  })

  it('cannot be opened where there is no folder', async () => {
    await expect(AliveSocket.open(join(makeTemporaryFolder(), 'missing', 'c.alive'))).rejects.toThrow('listen')
  })
})
