import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary.folder.js'
import { prepareFolders } from './stack.folders.js'

describe(prepareFolders.name, () => {
  it('takes both folders from the environment and lets other users into the one of the servers', async () => {
    const folder = makeTemporaryFolder()
    const [cache, run] = [join(folder, 'cache'), join(folder, 'run')]
    expect(await prepareFolders({ SLUICE_CACHE_DIR: cache, SLUICE_RUN_DIR: run })).toEqual({ cache, run })
    expect(statSync(run).mode & 0o777).toBe(0o755)
  })

  it('refuses a link that somebody may have put there', async () => {
    const folder = makeTemporaryFolder()
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'run'))
    const env = { SLUICE_CACHE_DIR: join(folder, 'cache'), SLUICE_RUN_DIR: join(folder, 'run') }
    await expect(prepareFolders(env)).rejects.toThrow('set SLUICE_RUN_DIR')
  })
})
