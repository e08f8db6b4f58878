import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeAnswer } from '../../../../test/factories/answer.factory.js'
import { makeReceivedAnswer } from '../../../../test/factories/received-answer.factory.js'
import { makeTemporaryFolder } from '../../../../test/factories/temporary-folder.factory.js'
import { WaitingAnswers } from '../ledger/waiting-answers.js'
import { AnswerSpool, type AnswerSpoolOptions } from './answer.spool.js'
import { SpoolFolder } from './spool.folder.js'
import { readSpoolFile } from './testing/read-spool-file.js'

async function startSpool(options: Partial<AnswerSpoolOptions> = {}) {
  const folder = new SpoolFolder(makeTemporaryFolder())
  let stopped = false
  const waiting = new WaitingAnswers({ maxBytes: 1e9, wasAbandoned: () => stopped })
  const spool = new AnswerSpool(folder, waiting, { afterMs: 20, maxBytes: 1e6, ...options })
  await spool.start()
  onTestFinished(() => spool.stop())
  const hold = (received = makeReceivedAnswer()) => {
    const storing = Promise.withResolvers<void>()
    const held = waiting.hold(received, () => storing.promise).catch(() => {})
    return { ...storing, held, received }
  }
  const stop = async () => {
    await spool.stop()
    stopped = true
  }
  return { folder, waiting, spool, hold, stop }
}

const namesIn = ({ path }: SpoolFolder) => readdirSync(path).map((name) => name.replace(/^[0-9a-f]{16}/, '#'))

async function readSpooled(folder: SpoolFolder) {
  const [id] = await folder.list()
  return readSpoolFile(folder.pathsOf(id!).answers)
}

describe(AnswerSpool.name, () => {
  it('writes no file for answers that are stored in time', async () => {
    const { folder, hold, spool } = await startSpool({ afterMs: 60_000 })
    const { held, resolve } = hold()
    resolve()
    await held
    await spool.stop()
    expect(namesIn(folder)).toEqual([])
  })

  it('writes down what has waited for too long, for nobody else to read', async () => {
    const { folder, hold, spool } = await startSpool()
    const { received } = hold()
    await expect.poll(() => spool.sizeBytes).toBeGreaterThan(0)
    expect(namesIn(folder)).toEqual(['#.alive', '#.answers'])
    await expect(readSpooled(folder)).resolves.toEqual([{ kind: 'answer', received }])
    expect(spool.count).toBe(1)
    const [id] = await folder.list()
    expect(statSync(folder.pathsOf(id!).answers).mode & 0o777).toBe(0o600)
    expect(statSync(folder.path).mode & 0o777).toBe(0o700)
  })

  it('removes the file when all of its answers are stored, and not before', async () => {
    const { folder, hold, spool } = await startSpool()
    const [one, two] = [hold(), hold()]
    await expect.poll(() => spool.count).toBe(2)
    one.resolve()
    await one.held
    expect(spool.count).toBe(1)
    const emptied = once(spool.events, 'emptied')
    two.resolve()
    await emptied
    expect(namesIn(folder)).toEqual([])
    expect(spool).toMatchObject({ count: 0, sizeBytes: 0 })
  })

  it('sets the file aside when PostgreSQL refuses one of its answers', async () => {
    const { folder, hold, spool } = await startSpool()
    const { held, reject } = hold()
    await expect.poll(() => spool.count).toBe(1)
    const aside = once(spool.events, 'set_aside')
    reject(new Error('refused'))
    await held
    await aside
    expect(namesIn(folder)).toEqual(['#.bad'])
  })

  it('writes everything that waits at a stop, and leaves it', async () => {
    const { folder, hold, stop } = await startSpool({ afterMs: 60_000 })
    const { received, reject, held } = hold()
    await stop()
    reject(new Error('stopped'))
    await held
    expect(namesIn(folder)).toEqual(['#.answers'])
    await expect(readSpooled(folder)).resolves.toEqual([{ kind: 'answer', received }])
  })

  it('keeps to its bound, what others have left included, and goes on with what is smaller', async () => {
    const { folder, hold, spool } = await startSpool({ maxBytes: 3_000 })
    writeFileSync(join(folder.path, 'other.bad'), Buffer.alloc(1_000))
    const full = once(spool.events, 'full')
    hold(makeReceivedAnswer({ answer: makeAnswer('', { body: Buffer.alloc(2_000) }) }))
    const small = hold()
    await expect(full).resolves.toEqual([1_000])
    await expect.poll(() => spool.count).toBe(1)
    await expect(readSpooled(folder)).resolves.toEqual([{ kind: 'answer', received: small.received }])
  })

  it('cannot start where its folder is a file', async () => {
    const folder = new SpoolFolder(makeTemporaryFolder())
    writeFileSync(folder.path, '')
    const spool = new AnswerSpool(folder, new WaitingAnswers({ maxBytes: 1, wasAbandoned: () => false }), { afterMs: 20, maxBytes: 1 })
    await expect(spool.start()).rejects.toThrow('EEXIST')
    await spool.stop()
  })
})
