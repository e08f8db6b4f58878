import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary.folder.js'
import { ServerLog } from './server.log.js'

describe(ServerLog.name, () => {
  it('is empty while there is no file', async () => {
    const log = new ServerLog(join(makeTemporaryFolder(), 'server.log'))
    await log.mark()
    expect(await log.sinceMark()).toBe('')
    expect(await log.tail()).toBe('')
  })

  it('tells only what this start has said', async () => {
    const log = new ServerLog(join(makeTemporaryFolder(), 'server.log'))
    appendFileSync(log.path, 'ready\nshut down\n')
    await log.mark()
    appendFileSync(log.path, 'starting\nfailed\n')
    expect(await log.sinceMark()).toBe('starting\nfailed\n')
    expect(await log.tail(1)).toBe('failed')
  })

  it('gives each line once, and none that is not whole yet', async () => {
    const log = new ServerLog(join(makeTemporaryFolder(), 'server.log'))
    appendFileSync(log.path, 'erste Zeile: ä\nzwei')
    expect(await log.takeNewLines()).toBe('erste Zeile: ä')
    expect(await log.takeNewLines()).toBe('')
    appendFileSync(log.path, 'te\n')
    expect(await log.takeNewLines()).toBe('zweite')
  })
})
