import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { giveBackPort, takeFreePort } from '../../../tools/stack/network/free-port.js'
import { findProjectFolder } from '../../../tools/stack/project.folder.js'

const MAIN = join(findProjectFolder(), 'dist', 'tools', 'stack', 'main.js')

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A stack folder, data folder and port of its own, as if it were another checkout. */
async function makeCheckout() {
  // Not below a folder that PostgreSQL's user cannot enter.
  const folder = mkdtempSync(join('/var/tmp', 'checkout-'))
  const port = await takeFreePort()
  const env = {
    PATH: process.env.PATH ?? '',
    STACK_FOLDER: join(folder, '.stack'),
    SLUICE_RUN_DIR: join(folder, 'run'),
    SLUICE_CACHE_DIR: join(tmpdir(), 'unused'),
    STACK_POSTGRES_PORT: String(port),
  }
  chmodSync(folder, 0o755)
  const run = async (...args: string[]): Promise<Outcome> => {
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [MAIN, ...args], { env })) }
    } catch (error) {
      return error as Outcome
    }
  }
  onTestFinished(async () => {
    await run('down', '--purge')
    giveBackPort(port)
    rmSync(folder, { recursive: true, force: true })
  })
  return { run, env, port, folder }
}

async function execute(port: number, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: `postgresql://sluice:sluice@127.0.0.1:${port}/postgres` })
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

describe('npm run stack', () => {
  // Ten commands and three starts.
  it('starts in the background, tells its status, and keeps its data until it is purged', { timeout: 120_000 }, async () => {
    const { run, port } = await makeCheckout()
    expect(await run('up', '--detach', 'postgres')).toMatchObject({
      code: 0,
      stdout: `PostgreSQL           postgresql://sluice:***@127.0.0.1:${port}/postgres\n`,
      stderr: expect.stringMatching(/PostgreSQL: starting \.\.\.\nPostgreSQL: starting done, [\d.]+ s\nThe stack is up as process \d+/),
    })
    await execute(port, 'CREATE TABLE kept AS SELECT 1 AS one')
    const status = await run('status', '--json')
    expect(JSON.parse(status.stdout)).toMatchObject({
      phase: 'ready',
      parts: [{ part: 'postgres', health: 'up', pid: expect.any(Number) }],
    })
    expect((await run('env')).stdout).toBe(`export DATABASE_URL='postgresql://sluice:sluice@127.0.0.1:${port}/postgres'\n`)
    expect((await run('logs', 'postgres')).stdout).toContain('ready to accept connections')
    expect(await run('up', 'postgres')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^the stack runs already \(process \d+\)/) })

    expect((await run('down')).code).toBe(0)
    expect(await run('status')).toMatchObject({ code: 1, stdout: 'The stack is not running: npm run stack -- up\n' })
    await run('up', '--detach', 'postgres')
    expect(await execute(port, 'SELECT one FROM kept')).toEqual([1])
    await run('down', '--purge')
    await run('up', '--detach', 'postgres')
    await expect(execute(port, 'SELECT one FROM kept')).rejects.toMatchObject({ code: '42P01' })
  })

  it('stays in the foreground until Ctrl-C, and then has tidied up', async () => {
    const { run, env, port } = await makeCheckout()
    const foreground = spawn(process.execPath, [MAIN, 'up', 'postgres'], { env, stdio: 'ignore' })
    onTestFinished(() => void foreground.kill('SIGKILL'))
    await vi.waitFor(async () => expect((await run('status')).code).toBe(0), { timeout: 20_000, interval: 50 })
    foreground.kill('SIGINT')
    expect(await once(foreground, 'exit')).toEqual([0, null])
    await expect(execute(port, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(existsSync(join(env.STACK_FOLDER, 'state.json'))).toBe(false)
  })

  it('says in one line that a part does not exist', async () => {
    const { run } = await makeCheckout()
    const { code, stderr } = await run('up', 'redis')
    expect(code).toBe(1)
    expect(stderr.split('\n')[0]).toContain('It is one of postgres, kafka, minio, simulator.')
  })
})
