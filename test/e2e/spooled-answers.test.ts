import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil, type ServiceRig, type WorkerProcess } from '#tools/rig'
import { startStack, type Stack } from '#tools/stack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attemptsOf, callsOf, send, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

const LEASE_MS = 2_000

/** What became of a task that was paid for once. */
const PAID_ONCE = { outcome: 'succeeded', calls: 1, attempts: ['answered'] }

async function readMetric(worker: WorkerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${worker.url}/metrics`)).text()
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
}

describe('Sluice, killed while PostgreSQL is away', { timeout: 120_000 }, () => {
  let servers: Stack
  let rig: ServiceRig
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spool-'))
    const { DATABASE_URL: _, ...env } = process.env
    servers = await startStack({ name: 'spool', parts: ['postgres'], env })
    const settings = {
      ANSWER_SPOOL_DIR: folder,
      ANSWER_SPOOL_AFTER_MS: '500',
      LEASE_DURATION_MS: String(LEASE_MS),
      DATABASE_STATEMENT_TIMEOUT_MS: '1000',
      DATABASE_QUERY_TIMEOUT_MS: '1500',
    }
    rig = await openRig('spool', settings, { databaseUrl: servers.databaseUrl })
  }, 90_000)
  afterAll(async () => {
    await rig?.close()
    await servers?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const postgres = () => servers.server('postgres')
  const spooledFiles = async () => (await readdir(folder, { recursive: true })).filter((name) => /\.(answers|alive|bad)$/.test(name))

  /** PostgreSQL goes away while these calls are under way, and the worker is killed once their answers are spooled. */
  async function spoolAndKill(
    worker: WorkerProcess,
    ids: readonly string[],
    { latencyMs, meanwhile }: { readonly latencyMs: number; readonly meanwhile?: () => Promise<unknown> },
  ): Promise<void> {
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs })),
    )
    const calls = async () => (await rig.calls()).filter(({ tasks }) => ids.includes(tasks[0]!))
    await waitUntil(async () => (await calls()).length === ids.length, { what: 'the calls' })
    await meanwhile?.()
    await postgres().kill()
    await waitUntil(async () => (await calls()).every(({ outcome }) => outcome === 'answered'), { what: 'the answers' })
    await waitUntil(async () => (await readMetric(worker, 'sluice_answers_spooled')) === ids.length, { what: 'the spooled answers' })
    expect(await readMetric(worker, 'sluice_answers_waiting')).toBe(ids.length)
    expect(await readMetric(worker, 'sluice_answers_spooled_bytes')).toBeGreaterThan(0)
    await worker.kill()
  }

  async function readEnds(ids: readonly string[]) {
    const results = await waitForResults(rig, ids, 60_000)
    await waitUntil(async () => (await spooledFiles()).length === 0, { what: 'the spool to be empty' })
    return Promise.all(
      results.map(async ({ task_id: id, outcome }) => ({
        outcome,
        calls: (await callsOf(rig, id)).length,
        attempts: (await attemptsOf(rig, id)).map(({ state }) => state),
      })),
    )
  }

  it('finishes its tasks from the answers that it had spooled when it is started again', async () => {
    const ids = Array.from({ length: 5 }, (_, index) => `restarted-${index}`)
    const worker = await rig.startWorker()
    await spoolAndKill(worker, ids, { latencyMs: 1_000 })
    expect(await spooledFiles()).toHaveLength(2)
    await postgres().restart()
    const heir = await rig.startWorker()
    await expect(readEnds(ids)).resolves.toEqual(ids.map(() => PAID_ONCE))
    await heir.stop()
  })

  it('has its tasks finished by another replica on its machine, which was there all the time', async () => {
    const ids = Array.from({ length: 5 }, (_, index) => `inherited-${index}`)
    const worker = await rig.startWorker()
    let heir: WorkerProcess | undefined
    await spoolAndKill(worker, ids, { latencyMs: 8_000, meanwhile: async () => (heir = await rig.startWorker()) })
    await postgres().restart()
    await expect(readEnds(ids)).resolves.toEqual(ids.map(() => PAID_ONCE))
    await heir!.stop()
  })
})
