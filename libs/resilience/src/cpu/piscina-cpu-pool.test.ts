import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type { CpuJob } from './cpu-pool.js'
import { cpuSettings } from './cpu.settings.js'
import { defineCpuJob } from './define-cpu-job.js'
import { PiscinaCpuPool } from './piscina-cpu-pool.js'

const WORKER = `
export function double(value: number): number { return value * 2 }
export function fail(): never { throw new Error('broken on purpose') }
export function spin(): never { for (;;) {} }
export function hoard(): number { const kept: unknown[] = []; for (;;) kept.push({ size: kept.length }) }
export function look(): { env: number; flags: number } { return { env: Object.keys(process.env).length, flags: process.execArgv.length } }
`

let pools: PiscinaCpuPool[] = []

function makePool(threads = 1): PiscinaCpuPool {
  const pool = new PiscinaCpuPool({ threads, threadMemoryMb: 32 })
  pools.push(pool)
  return pool
}

/** A worker file in TypeScript, as the sources are. */
function makeJob<I, O>(name: string, timeoutMs = 10_000): CpuJob<I, O> {
  const folder = mkdtempSync(join(tmpdir(), 'cpu-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'job.worker.ts'), WORKER)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  return defineCpuJob({ beside: `file://${folder}/caller.ts`, file: 'job.worker', name, timeoutMs })
}

afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.onApplicationShutdown()))
  pools = []
})

describe(PiscinaCpuPool.name, () => {
  it('runs a function of a worker file on another thread', async () => {
    const pool = makePool(2)
    const job = makeJob<number, number>('double')
    const results = await Promise.all([1, 2, 3].map((value) => pool.run(job, value)))
    expect(results).toEqual([2, 4, 6].map((value) => ({ kind: 'done', value })))
  })

  it('shows a job neither the environment nor the flags of the process', async () => {
    expect(await makePool().run(makeJob('look'), null)).toEqual({ kind: 'done', value: { env: 0, flags: 0 } })
  })

  it('throws what the job throws', async () => {
    await expect(makePool().run(makeJob('fail'), null)).rejects.toThrow('broken on purpose')
  })

  it('ends a job that runs too long, and goes on with the next', async () => {
    const pool = makePool()
    expect(await pool.run(makeJob('spin', 500), null)).toEqual({ kind: 'timed_out' })
    expect(await pool.run(makeJob('double'), 4)).toEqual({ kind: 'done', value: 8 })
  })

  it('ends a job that needs too much memory', async () => {
    expect(await makePool().run(makeJob('hoard'), null)).toEqual({ kind: 'out_of_memory' })
  })

  it('does not count the wait for a thread against the time limit', async () => {
    const pool = makePool(1)
    const slow = pool.run(makeJob('spin', 1_500), null)
    expect(await pool.run(makeJob('double', 1_400), 2)).toEqual({ kind: 'done', value: 4 })
    expect(await slow).toEqual({ kind: 'timed_out' })
  })

  it('rejects with the reason of the signal of its caller', async () => {
    const pool = makePool()
    const controller = new AbortController()
    const running = pool.run(makeJob('spin'), null, controller.signal)
    controller.abort(new Error('lease lost'))
    await expect(running).rejects.toThrow('lease lost')
  })

  it('rejects running, waiting and later jobs as retryable when it is closed, more than once', async () => {
    const pool = makePool()
    const jobs = [pool.run(makeJob('spin'), null), pool.run(makeJob('spin'), null)]
    const settled = Promise.allSettled(jobs)
    await pool.onApplicationShutdown()
    await pool.onApplicationShutdown()
    const shutdown = { status: 'rejected', reason: { code: 'shutdown', retryable: true } }
    expect(await settled).toMatchObject([shutdown, shutdown])
    await expect(pool.run(makeJob('double'), 1)).rejects.toMatchObject({ code: 'shutdown' })
  })
})

describe(defineCpuJob.name, () => {
  it('looks for JavaScript beside JavaScript and for TypeScript beside TypeScript', () => {
    const options = { file: 'job.worker', name: 'run', timeoutMs: 1 }
    expect(defineCpuJob({ ...options, beside: 'file:///dist/caller.js' })).toEqual({
      file: '/dist/job.worker.js',
      name: 'run',
      timeoutMs: 1,
    })
    expect(defineCpuJob({ ...options, beside: 'file:///src/caller.ts' }).file).toBe('/src/job.worker.ts')
  })
})

describe('cpuSettings', () => {
  it('takes at most two threads by itself', () => {
    expect(cpuSettings.parse({}).threads).toBeLessThanOrEqual(2)
    expect(cpuSettings.parse({ CPU_THREADS: '4', CPU_THREAD_MEMORY_MB: '64' })).toEqual({ threads: 4, threadMemoryMb: 64 })
  })
})
