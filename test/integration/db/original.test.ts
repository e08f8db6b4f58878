import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError } from '#libs/kernel'
import { makeProgram } from '../../../apps/cli/src/program.js'
import { makeRejection } from '../../../libs/tasks/src/intake/rejection.js'
import { makeDeadLetter } from '../../../libs/tasks/src/run/result-event.js'
import { makeDelivery } from '../../factories/delivery.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

const LARGE = Buffer.from(JSON.stringify({ task_id: 'large', prompt: 'я'.repeat(300_000) }))
const error = TaskError.invalid('llm_bad_request', 'refused')

afterEach(() => {
  process.exitCode = undefined
})

interface Printed {
  readonly bytes: Buffer
  readonly told: string
  readonly exitCode: unknown
}

/** What `sluice dead-letter original FILE` prints for this dead letter. */
async function printOriginal({ url }: TestDatabase, deadLetter: Buffer): Promise<Printed> {
  const folder = await mkdtemp(join(tmpdir(), 'dead-letter-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'letter.json')
  await writeFile(file, deadLetter)
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    await makeProgram({ DATABASE_URL: url }).parseAsync(['dead-letter', 'original', file], { from: 'user' })
    return {
      bytes: Buffer.concat(stdout.mock.calls.map(([chunk]) => Buffer.from(chunk))),
      told: stderr.mock.calls.join(''),
      exitCode: process.exitCode,
    }
  } finally {
    stdout.mockRestore()
    stderr.mockRestore()
  }
}

async function failLargeTask(database: TestDatabase): Promise<Buffer> {
  const replica = await openReplica(database)
  await replica.ledger.accept(makeNewTask({ taskId: 'large', payload: LARGE, payloadHash: createHash('sha256').update(LARGE).digest() }))
  const task = await claimOne(replica)
  const run = {
    eventId: 'e',
    task,
    error,
    outcome: 'failed' as const,
    facts: {},
    attempts: 1,
    traceparent: null,
    claimedAtMs: 0,
    finishedAtMs: 0,
  }
  return makeDeadLetter(run).value
}

describe('sluice dead-letter original', () => {
  it('prints the record of a failed run that was too large for its dead letter', async () => {
    const database = await createLedgerDatabase()
    const { bytes, exitCode } = await printOriginal(database, await failLargeTask(database))
    expect(bytes.equals(LARGE)).toBe(true)
    expect(exitCode).toBeUndefined()
  })

  it('prints a rejected record that was too large, whatever its bytes are', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const value = Buffer.alloc(600_000, Buffer.from([0, 255, 10]))
    const rejection = makeRejection(makeDelivery({ value, offset: 2n ** 60n }), { error })
    await ledger.reject([rejection])
    expect((await printOriginal(database, rejection.deadLetter)).bytes.equals(value)).toBe(true)
  })

  it('prints an original that is in the dead letter itself, without a database', async () => {
    const { deadLetter } = makeRejection(makeDelivery({ value: Buffer.from('{not json') }), { error })
    const { bytes } = await printOriginal({ url: 'postgres://nowhere:1/none' } as TestDatabase, deadLetter)
    expect(bytes.toString()).toBe('{not json')
  })

  it('says that there is none when retention has taken it', async () => {
    const database = await createLedgerDatabase()
    const deadLetter = await failLargeTask(database)
    await database.sql.rows('DELETE FROM task')
    const { bytes, told, exitCode } = await printOriginal(database, deadLetter)
    expect([bytes.length, exitCode]).toEqual([0, 4])
    expect(told).toContain('HISTORY_RETENTION_DAYS')
  })

  it('prints nothing of another database', async () => {
    const database = await createLedgerDatabase()
    const deadLetter = await failLargeTask(database)
    await database.sql.rows(`UPDATE task SET payload = 'another'`)
    await expect(printOriginal(database, deadLetter)).rejects.toThrow('other bytes')
  })

  it('refuses what is no dead letter', async () => {
    const broken = Buffer.from(JSON.stringify({ original_ref: { store: 'ledger', table: 'task' } }))
    await expect(printOriginal({ url: 'postgres://nowhere:1/none' } as TestDatabase, broken)).rejects.toThrow('this is no dead letter')
  })
})
