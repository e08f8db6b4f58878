import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary.folder.js'
import { ensureBuilt } from './cached.build.js'

function failHalfway(draft: string): Promise<never> {
  writeFileSync(join(draft, 'half'), 'x')
  return Promise.reject(new Error('compiler says no'))
}

describe(ensureBuilt.name, () => {
  it('builds once for all who ask at the same time', async () => {
    const folder = join(makeTemporaryFolder(), 'tool-1')
    let builds = 0
    const build = async (draft: string) => {
      builds++
      await new Promise((resolve) => setImmediate(resolve))
      writeFileSync(join(draft, 'binary'), 'x')
    }
    await Promise.all([ensureBuilt({ folder, build }), ensureBuilt({ folder, build })])
    await ensureBuilt({ folder, build })
    expect(builds).toBe(1)
    expect(readFileSync(join(folder, 'binary'), 'utf8')).toBe('x')
  })

  it('leaves nothing of a build that failed, and tries again', async () => {
    const parent = makeTemporaryFolder()
    const folder = join(parent, 'tool-1')
    await expect(ensureBuilt({ folder, build: failHalfway })).rejects.toThrow('compiler says no')
    expect(readdirSync(parent)).toEqual([])
    await ensureBuilt({ folder, build: () => Promise.resolve() })
    expect(readdirSync(parent)).toEqual(['tool-1'])
  })

  it('removes the draft of a builder that was killed', async () => {
    const parent = makeTemporaryFolder()
    mkdirSync(join(parent, '.draft-tool-1-abcdef'))
    await ensureBuilt({ folder: join(parent, 'tool-1'), build: () => Promise.resolve() })
    expect(readdirSync(parent)).toEqual(['tool-1'])
  })
})
