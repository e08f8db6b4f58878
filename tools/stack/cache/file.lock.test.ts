import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { identifyProcess } from '../supervision/process.identity.js'
import { makeTemporaryFolder } from '../testing/temporary.folder.js'
import { tryLock, withFileLock } from './file.lock.js'
import type { WaitReporter } from './file.lock.js'

describe(withFileLock.name, () => {
  it('lets one holder in at a time and tells the others whom they wait for', async () => {
    const path = join(makeTemporaryFolder(), 'lock')
    const holders: number[] = []
    const reportWait: WaitReporter = ({ pid }, wait) => {
      holders.push(pid)
      return wait()
    }
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
    }
    const lock = () => withFileLock(path, work, { reportWait })
    await Promise.all([lock(), lock(), lock()])
    expect(most).toBe(1)
    expect(new Set(holders)).toEqual(new Set([process.pid]))
  })

  it('is not waited for any longer when the work is called off', async () => {
    const path = join(makeTemporaryFolder(), 'lock')
    await tryLock(path)
    const calledOff = AbortSignal.abort(new Error('called off'))
    await expect(withFileLock(path, () => Promise.resolve(), { signal: calledOff })).rejects.toThrow('called off')
  })

  it('is free again after work that failed', async () => {
    const path = join(makeTemporaryFolder(), 'lock')
    await expect(withFileLock(path, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
    expect(await withFileLock(path, () => Promise.resolve('done'))).toBe('done')
  })
})

describe(tryLock.name, () => {
  it('takes the place of a holder whose pid now belongs to another process', async () => {
    const folder = makeTemporaryFolder()
    const path = join(folder, 'lock')
    writeFileSync(path, JSON.stringify({ pid: process.pid, bornAt: 'before the last reboot' }))
    const release = await tryLock(path)
    expect(release).toBeTypeOf('function')
    if (typeof release === 'function') await release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('names the living holder', async () => {
    const path = join(makeTemporaryFolder(), 'lock')
    await tryLock(path)
    expect(await tryLock(path)).toMatchObject({ ...(await identifyProcess(process.pid)) })
  })
})
