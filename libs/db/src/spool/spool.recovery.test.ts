import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TaskError } from '#libs/kernel'
import { makeReceivedAnswer } from '../../../../test/factories/received-answer.factory.js'
import { makeTemporaryFolder } from '../../../../test/factories/temporary-folder.factory.js'
import type { ReceivedAnswer } from '../ledger/answer.statement.js'
import { AliveSocket } from './alive.socket.js'
import { encodeSpoolRecord } from './spool-record.js'
import { SpoolFolder } from './spool.folder.js'
import { SpoolRecovery, type SpoolReport } from './spool.recovery.js'
import type { SpoolStore, StoredCounts } from './spool.store.js'

const NOTHING = { stored: 0, unknown: 0, refused: 0, corrupt: 0, isTorn: false }

/** A folder with the file of one dead process, and a ledger that makes `judge` of each answer. */
async function makeRecovery(records: readonly Buffer[], judge: (answer: ReceivedAnswer) => keyof StoredCounts = () => 'stored') {
  const folder = new SpoolFolder(makeTemporaryFolder())
  await folder.prepare()
  const paths = folder.pathsOf('dead')
  writeFileSync(paths.answers, Buffer.concat(records))
  const stored: ReceivedAnswer[] = []
  const reports: SpoolReport[] = []
  const store = {
    store: async (received: readonly ReceivedAnswer[]) => {
      const counts = { stored: 0, unknown: 0, refused: 0 }
      for (const answer of received) {
        const fate = judge(answer)
        counts[fate]++
        if (fate === 'stored') stored.push(answer)
      }
      return counts
    },
  } as Pick<SpoolStore, 'store'> as SpoolStore
  const recovery = new SpoolRecovery(folder, store, (report) => reports.push(report))
  return { folder, paths, recovery, stored, reports, names: () => readdirSync(folder.path) }
}

const many = (count: number) => Array.from({ length: count }, () => makeReceivedAnswer())

describe(SpoolRecovery.name, () => {
  it('stores all answers of a dead process and removes its file', async () => {
    const answers = many(600)
    const made = await makeRecovery(answers.map(encodeSpoolRecord))
    await made.recovery.run()
    expect(made.stored).toEqual(answers)
    expect(made.reports).toEqual([{ ...NOTHING, stored: 600, path: undefined }])
    expect(made.names()).toEqual([])
  })

  it('leaves the file of a process that lives', async () => {
    const made = await makeRecovery(many(1).map(encodeSpoolRecord))
    const owner = await AliveSocket.open(made.paths.alive)
    onTestFinished(() => owner.close())
    await made.recovery.run()
    expect(made.reports).toEqual([])
    expect(existsSync(made.paths.answers)).toBe(true)
  })

  it('leaves out a torn end', async () => {
    const [whole, torn] = many(2)
    const made = await makeRecovery([encodeSpoolRecord(whole!), encodeSpoolRecord(torn!).subarray(0, -1)])
    await made.recovery.run()
    expect(made.stored).toEqual([whole])
    expect(made.reports).toEqual([{ ...NOTHING, stored: 1, isTorn: true, path: undefined }])
    expect(made.names()).toEqual([])
  })

  it('sets a file with a corrupt record aside, after storing the others', async () => {
    const [one, broken, other] = many(3)
    const bad = encodeSpoolRecord(broken!)
    bad[bad.length - 1]! ^= 1
    const made = await makeRecovery([encodeSpoolRecord(one!), bad, encodeSpoolRecord(other!)])
    await made.recovery.run()
    expect(made.stored).toEqual([one, other])
    expect(made.reports).toEqual([{ ...NOTHING, stored: 2, corrupt: 1, path: made.paths.bad }])
    expect(made.names()).toEqual(['dead.bad'])
    await made.recovery.run()
    expect(made.reports).toHaveLength(1)
  })

  it.each(['unknown', 'refused'] as const)('sets a file aside of which an answer is %s', async (fate) => {
    const [one, other] = many(2)
    const made = await makeRecovery([one!, other!].map(encodeSpoolRecord), (answer) =>
      answer.task.id === other!.task.id ? fate : 'stored',
    )
    await made.recovery.run()
    expect(made.reports).toEqual([{ ...NOTHING, stored: 1, [fate]: 1, path: made.paths.bad }])
    expect(made.names()).toEqual(['dead.bad'])
  })

  it("leaves another ledger's file as it is, and tells it once", async () => {
    const made = await makeRecovery(many(2).map(encodeSpoolRecord), () => 'unknown')
    await made.recovery.run()
    await made.recovery.run()
    expect(made.reports).toEqual([{ ...NOTHING, unknown: 2, path: made.paths.answers }])
    expect(made.names()).toEqual(['dead.answers'])
  })

  it('keeps the file when PostgreSQL is away, and stores it later', async () => {
    let isAway = true
    const answers = many(1)
    const made = await makeRecovery(answers.map(encodeSpoolRecord), () => {
      if (isAway) throw TaskError.unavailable('ledger_unavailable', 'away')
      return 'stored'
    })
    await expect(made.recovery.run()).rejects.toMatchObject({ code: 'ledger_unavailable' })
    expect(made.names()).toEqual(['dead.answers'])
    isAway = false
    await made.recovery.run()
    expect(made.stored).toEqual(answers)
    expect(made.names()).toEqual([])
  })

  it('finds nothing where there is no folder', async () => {
    const folder = new SpoolFolder(makeTemporaryFolder())
    const store = { store: () => Promise.reject(new Error('nothing is there to store')) } as unknown as SpoolStore
    await expect(new SpoolRecovery(folder, store, () => {}).run()).resolves.toBeUndefined()
  })
})
