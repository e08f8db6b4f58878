import { writeFileSync } from 'node:fs'
import { Logger } from '@nestjs/common'
import { describe, expect, it, vi } from 'vitest'
import { makeTemporaryFolder } from '../../../../test/factories/temporary-folder.factory.js'
import type { PostgresLedger } from '../ledger/postgres-ledger.js'
import { WaitingAnswers } from '../ledger/waiting-answers.js'
import { SpoolFolder } from './spool.folder.js'
import { SpoolLifecycle } from './spool.lifecycle.js'

const logError = vi.spyOn(Logger.prototype, 'error').mockReturnValue()

function makeLifecycle(parentFolder: string | undefined): SpoolLifecycle {
  const waitingAnswers = new WaitingAnswers({ maxBytes: 1, wasAbandoned: () => false })
  return new SpoolLifecycle({ waitingAnswers } as PostgresLedger, { parentFolder, afterMs: 1_000, maxBytes: 1 })
}

describe(SpoolLifecycle.name, () => {
  it('does nothing where the spool is off', async () => {
    const lifecycle = makeLifecycle(undefined)
    await lifecycle.start()
    expect(lifecycle.use).toEqual({ answers: 0, bytes: 0 })
    await lifecycle.stop()
  })

  it('tells that there is no spool, and lets the service start', async () => {
    const parent = makeTemporaryFolder()
    writeFileSync(new SpoolFolder(parent).path, 'no folder')
    const lifecycle = makeLifecycle(parent)
    await lifecycle.start()
    expect(logError).toHaveBeenCalledWith(expect.stringContaining('there is no spool'), expect.anything())
    await lifecycle.stop()
  })
})
