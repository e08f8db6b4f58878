import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary.folder.js'
import { createEphemeralFolder } from './ephemeral.folder.js'

const DEAD = JSON.stringify({ pid: process.pid, bornAt: 'before the last reboot' })

function leaveBehind(run: string, name: string): string {
  const folder = join(run, 'ephemeral', name)
  for (const part of ['data', 'logs']) mkdirSync(join(folder, part), { recursive: true })
  writeFileSync(join(folder, 'owner.json'), DEAD)
  return folder
}

describe(createEphemeralFolder.name, () => {
  it('removes the data of an owner that was killed, and keeps its logs', async () => {
    const run = makeTemporaryFolder()
    const abandoned = leaveBehind(run, 'tests-1')
    await createEphemeralFolder(run, 'tests')
    expect(existsSync(join(abandoned, 'data'))).toBe(false)
    expect(existsSync(join(abandoned, 'logs'))).toBe(true)
  })

  it('removes also the logs a day later', async () => {
    const run = makeTemporaryFolder()
    const abandoned = leaveBehind(run, 'tests-1')
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 60 * 60
    utimesSync(abandoned, twoDaysAgo, twoDaysAgo)
    await createEphemeralFolder(run, 'tests')
    expect(existsSync(abandoned)).toBe(false)
  })

  it('leaves alone what belongs to a living owner', async () => {
    const run = makeTemporaryFolder()
    const first = await createEphemeralFolder(run, 'tests')
    const second = await createEphemeralFolder(run, 'tests')
    expect(second.data).not.toBe(first.data)
    expect(existsSync(first.data)).toBe(true)
  })
})
