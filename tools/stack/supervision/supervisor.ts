/**
 * A small process between an owner and one server, so that no server outlives its owner, however that one dies.
 *
 * - The owner holds the other end of our standard input. Its end, which the kernel brings about even after SIGKILL, is the
 *   order to end the server.
 * - Where our own death could leave the server behind, `setpriv --pdeathsig` makes the kernel end the server with us. The death
 *   signal is armed after the fork, so the shell that follows looks whether we were still there by then.
 * - Server and supervisor each lead a session of their own: a Ctrl-C meant for the owner reaches neither, and SIGKILL can be sent
 *   to the server's whole process group.
 *
 * The first line of standard input is the command, each further one an order. Runs as dist/tools/stack/supervision/supervisor.js,
 * and from Vitest as this very file through Node's type stripping: it imports nothing but Node's modules and types.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { SupervisedCommand, SupervisorOrder, SupervisorReport } from './supervised.command.js'

const SAME_PARENT_OR_EXIT = '[ "$PPID" = "$0" ] && exec "$@"; exit 70'

const lines = createInterface({ input: process.stdin })
lines.once('line', (line) => supervise(JSON.parse(line) as SupervisedCommand))
// The owner may be gone before we report to it.
process.stdout.on('error', () => undefined)

function supervise(command: SupervisedCommand): void {
  const server = startServer(command)
  server.once('error', (error) => {
    report({ event: 'failed', message: error.message })
    process.stdin.destroy()
  })
  server.once('spawn', () => {
    report({ event: 'started', pid: server.pid ?? -1 })
  })
  server.once('exit', (code, signal) => {
    signalGroup(server, 'SIGKILL')
    report({ event: 'exited', code, signal })
    process.stdin.destroy()
  })
  lines.on('line', (line) => endServer(server, command, line as SupervisorOrder))
  lines.on('close', () => endServer(server, command, command.orphanPolicy))
  process.on('SIGTERM', () => endServer(server, command, command.orphanPolicy))
}

function startServer(command: SupervisedCommand): ChildProcess {
  const log = openSync(command.logFile, 'a')
  const [program = '', ...args] = makeCommandLine(command)
  return spawn(program, args, {
    cwd: command.workingDirectory,
    env: command.environment,
    detached: true,
    stdio: ['ignore', log, log],
    ...(command.user && !command.deathGuard ? { uid: command.user.uid, gid: command.user.gid } : {}),
  })
}

function makeCommandLine({ command, args, user, abandonSignal, deathGuard }: SupervisedCommand): readonly string[] {
  const plain = [command, ...args]
  if (!deathGuard) return plain
  // A change of user clears the death signal, so setpriv must do both, and in its own order.
  const identity = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []
  const deathSignal = abandonSignal.replace(/^SIG/, '')
  const check = ['/bin/sh', '-c', SAME_PARENT_OR_EXIT, String(process.pid)]
  return [deathGuard, ...identity, '--pdeathsig', deathSignal, '--', ...check, ...plain]
}

/** A later order may be a harder one; the limit runs from the first. */
function endServer(server: ChildProcess, command: SupervisedCommand, order: SupervisorOrder): void {
  if (server.exitCode !== null || server.signalCode !== null) return
  const signal = order === 'stop' ? command.gracefulSignal : command.abandonSignal
  if (signal === 'SIGKILL') signalGroup(server, signal)
  else server.kill(signal)
  setTimeout(() => signalGroup(server, 'SIGKILL'), command.stopLimitMs).unref()
}

/** Children of the server (a compiler, say) go with it. PostgreSQL's are in sessions of their own and leave when their parent does. */
function signalGroup(server: ChildProcess, signal: NodeJS.Signals): void {
  if (server.pid === undefined) return
  try {
    process.kill(-server.pid, signal)
  } catch {
    // Nothing of the group is left.
  }
}

function report(message: SupervisorReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
