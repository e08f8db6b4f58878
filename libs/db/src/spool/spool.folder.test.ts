import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../../../../test/factories/temporary-folder.factory.js'
import { SpoolFolder } from './spool.folder.js'

describe(SpoolFolder.name, () => {
  it('is closed to others, also when it was there and was open', async () => {
    const folder = new SpoolFolder(makeTemporaryFolder())
    mkdirSync(folder.path)
    chmodSync(folder.path, 0o777)
    await folder.prepare()
    await folder.prepare()
    expect(statSync(folder.path).mode & 0o777).toBe(0o700)
  })

  it('is not used where its path leaves no room for a socket in it', async () => {
    await expect(new SpoolFolder(`/${'x'.repeat(60)}`).prepare()).rejects.toThrow('set ANSWER_SPOOL_DIR')
  })

  it('is not used where somebody has put a link in its place', async () => {
    const folder = new SpoolFolder(makeTemporaryFolder())
    symlinkSync(tmpdir(), folder.path)
    await expect(folder.prepare()).rejects.toThrow('ANSWER_SPOOL_DIR')
  })
})
