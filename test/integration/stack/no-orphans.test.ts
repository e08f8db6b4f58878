import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { isPortFree } from '../../../tools/stack/network/free-port.js'
import { findProjectFolder } from '../../../tools/stack/project.folder.js'
import { findDeathGuard } from '../../../tools/stack/supervision/kernel-guard.js'
import { identifyProcess, isAlive } from '../../../tools/stack/supervision/process.identity.js'
import type { ProcessIdentity } from '../../../tools/stack/supervision/process.identity.js'
import type { SupervisedCommand } from '../../../tools/stack/supervision/supervised.command.js'
import { SupervisedProcess } from '../../../tools/stack/supervision/supervised.process.js'

const SUPERVISOR = join(findProjectFolder(), 'tools', 'stack', 'supervision', 'supervisor.ts')
/** A server that has a child of its own and does nothing on SIGTERM. */
const STUBBORN_SERVER = `trap '' TERM; sleep 600 & echo $! > child.pid; wait`

async function identify(pid: number): Promise<ProcessIdentity> {
  const identity = await identifyProcess(pid)
  if (!identity) throw new Error(`there is no process ${pid}`)
  return identity
}

function untilGone(identity: ProcessIdentity): Promise<void> {
  return vi.waitFor(async () => expect(await isAlive(identity)).toBe(false), { timeout: 10_000, interval: 20 })
}

function makeCommand(script: string, deathGuard: string | undefined): SupervisedCommand {
  const folder = mkdtempSync(join(tmpdir(), 'orphans-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return {
    command: '/bin/sh',
    args: ['-c', script],
    environment: { PATH: process.env.PATH ?? '' },
    workingDirectory: folder,
    logFile: join(folder, 'server.log'),
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: 200,
    orphanPolicy: 'stop',
    deathGuard,
  }
}

async function readChildPid({ workingDirectory }: SupervisedCommand): Promise<number> {
  const text = await vi.waitFor(() => readWhole(join(workingDirectory, 'child.pid')), { timeout: 5_000, interval: 10 })
  return Number(text)
}

function readWhole(file: string): string {
  const text = readFileSync(file, 'utf8')
  if (!text.endsWith('\n')) throw new Error(`${file} is not whole yet`)
  return text
}

/** An owner in a process of its own, which holds a supervisor and can be killed. */
async function startOwner(
  command: SupervisedCommand,
): Promise<{ owner: ChildProcess; server: ProcessIdentity; supervisor: ProcessIdentity }> {
  const script = `
    const [file, command] = process.argv.slice(1)
    const supervisor = require('node:child_process').spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    supervisor.stdin.write(command + '\\n')
    supervisor.stdout.on('data', (report) => process.stdout.write(JSON.stringify({ supervisor: supervisor.pid, ...JSON.parse(report) }) + '\\n'))`
  const owner = spawn(process.execPath, ['-e', script, SUPERVISOR, JSON.stringify(command)], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void owner.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  const pids = JSON.parse(line) as { supervisor: number; pid: number }
  return { owner, server: await identify(pids.pid), supervisor: await identify(pids.supervisor) }
}

describe('supervisor', () => {
  it('ends a stubborn server and its children when its owner is killed', async () => {
    const command = makeCommand(STUBBORN_SERVER, await findDeathGuard())
    const { owner, server, supervisor } = await startOwner(command)
    const child = await identify(await readChildPid(command))
    owner.kill('SIGKILL')
    await Promise.all([server, supervisor, child].map(untilGone))
  })

  it('does so without setpriv, too', async () => {
    const command = makeCommand(STUBBORN_SERVER, undefined)
    const { owner, server, supervisor } = await startOwner(command)
    const child = await identify(await readChildPid(command))
    owner.kill('SIGKILL')
    await Promise.all([server, supervisor, child].map(untilGone))
  })

  it.runIf(process.platform === 'linux')('leaves no server behind when it is killed together with its owner', async () => {
    const { owner, server, supervisor } = await startOwner(makeCommand('exec sleep 600', await findDeathGuard()))
    process.kill(supervisor.pid, 'SIGKILL')
    owner.kill('SIGKILL')
    await Promise.all([server, supervisor].map(untilGone))
  })
})

describe(SupervisedProcess.name, () => {
  it.each(['with', 'without'])('takes the server along when only the supervisor is killed, %s setpriv', async (how) => {
    const command = makeCommand(STUBBORN_SERVER, how === 'with' ? await findDeathGuard() : undefined)
    const running = await SupervisedProcess.start(command)
    const child = await identify(await readChildPid(command))
    const server = await identify(running.pid)
    process.kill(running.supervisorPid, 'SIGKILL')
    expect(await running.exited).toEqual({ code: null, signal: 'SIGKILL' })
    await Promise.all([server, child].map(untilGone))
  })

  it('tells how the server ended by itself', async () => {
    const running = await SupervisedProcess.start(makeCommand('exit 3', await findDeathGuard()))
    expect(await running.exited).toEqual({ code: 3, signal: null })
    expect(running.running).toBe(false)
  })

  it('says why a server cannot be started', async () => {
    const command = { ...makeCommand('', undefined), command: '/nowhere/server', args: [] }
    await expect(SupervisedProcess.start(command)).rejects.toThrow('/nowhere/server cannot be started: spawn /nowhere/server ENOENT')
  })

  it('follows the graceful signal with SIGKILL after its limit', async () => {
    const command = makeCommand(STUBBORN_SERVER, await findDeathGuard())
    const running = await SupervisedProcess.start(command)
    await readChildPid(command)
    expect(await running.stop()).toEqual({ code: null, signal: 'SIGKILL' })
  })
})

describe('an owner of PostgreSQL that is killed', () => {
  it('leaves no server behind, only its logs', async () => {
    const index = pathToFileURL(join(findProjectFolder(), 'dist', 'tools', 'stack', 'index.js')).href
    const script = `
      const { startStack } = await import(${JSON.stringify(index)})
      const stack = await startStack({ name: 'killed', parts: ['postgres'], env: { PATH: process.env.PATH } })
      const { pid, ports } = stack.server('postgres')
      console.log(JSON.stringify({ pid, port: ports.postgres, logFolder: stack.logFolder }))
      setInterval(() => undefined, 60_000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void owner.kill('SIGKILL'))
    const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
    const { pid, port, logFolder } = JSON.parse(line) as { pid: number; port: number; logFolder: string }
    const server = await identify(pid)
    owner.kill('SIGKILL')
    await untilGone(server)
    await vi.waitFor(async () => expect(await isPortFree(port)).toBe(true), { timeout: 10_000, interval: 20 })
    expect(existsSync(logFolder)).toBe(true)
  })
})
