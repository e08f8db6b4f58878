import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ProcessExit, SupervisedCommand, SupervisorOrder, SupervisorReport } from './supervised.command.js'

type Supervisor = ChildProcessByStdio<Writable, Readable, null>

/** Beside this file, compiled or not: Node runs the TypeScript one by type stripping. */
const SUPERVISOR_FILE = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './supervisor.ts' : './supervisor.js', import.meta.url))

/** Of the supervisor until it reports; the server's own start is not in it. */
const START_LIMIT_MS = 30_000

/**
 * The owner's handle of a process that must not outlive it. Modes: running until `exited` resolves, once and for good; a restart
 * is a new SupervisedProcess. The supervisor's life is the process's: each is ended by the other's end.
 */
export class SupervisedProcess {
  readonly exited: Promise<ProcessExit>
  #exit: ProcessExit | undefined

  private constructor(
    readonly pid: number,
    readonly supervisorPid: number,
    private readonly supervisor: Supervisor,
    exited: Promise<ProcessExit>,
  ) {
    this.exited = exited.then((exit) => (this.#exit = exit))
  }

  static async start(command: SupervisedCommand): Promise<SupervisedProcess> {
    const supervisor = spawnSupervisor(command)
    const reports = createInterface({ input: supervisor.stdout })
    const onReport = (listener: (report: SupervisorReport) => void) =>
      reports.on('line', (line) => listener(JSON.parse(line) as SupervisorReport))
    const exited = new Promise<ProcessExit>((resolve) => {
      let unreported: number | undefined
      onReport((report) => {
        if (report.event === 'started') unreported = report.pid
        if (report.event !== 'exited') return
        unreported = undefined
        resolve({ code: report.code, signal: report.signal })
      })
      supervisor.once('close', () => {
        // No report means that the supervisor itself was killed; where the kernel did not take the server along, we do.
        if (unreported !== undefined) killGroup(unreported)
        resolve({ code: null, signal: 'SIGKILL' })
      })
    })
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => supervisor.kill('SIGKILL'), START_LIMIT_MS)
      onReport((report) => {
        clearTimeout(limit)
        if (report.event === 'failed') reject(new Error(`${command.command} cannot be started: ${report.message}`))
        if (report.event === 'started') resolve(new SupervisedProcess(report.pid, supervisor.pid ?? -1, supervisor, exited))
      })
      supervisor.once('error', reject)
      supervisor.once('close', () => {
        clearTimeout(limit)
        reject(new Error(`the supervisor of ${command.command} ended before it started anything`))
      })
    })
  }

  get running(): boolean {
    return this.#exit === undefined
  }

  /** Asks the process to end with its data in order; SIGKILL follows after its limit. */
  stop(): Promise<ProcessExit> {
    return this.#order('stop')
  }

  /** Ends the process at once: its data is of no use to anybody. */
  abandon(): Promise<ProcessExit> {
    return this.#order('abandon')
  }

  /** A fault, not a way to stop: sends the signal to the process behind its supervisor's back. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.running) return
    process.kill(this.pid, signal)
    if (signal === 'SIGKILL') await this.#awaitExit()
  }

  /** Lets the owner's process end while the server runs; the server then ends with it. */
  unref(): void {
    this.supervisor.unref()
    for (const pipe of [this.supervisor.stdin, this.supervisor.stdout] as unknown as Socket[]) pipe.unref()
  }

  async #order(order: SupervisorOrder): Promise<ProcessExit> {
    if (this.running && this.supervisor.stdin.writable) this.supervisor.stdin.write(`${order}\n`)
    return this.#awaitExit()
  }

  async #awaitExit(): Promise<ProcessExit> {
    this.supervisor.ref()
    ;(this.supervisor.stdout as unknown as Socket).ref()
    const exit = await this.exited
    if (this.supervisor.exitCode === null && this.supervisor.signalCode === null) await once(this.supervisor, 'exit')
    return exit
  }
}

function spawnSupervisor(command: SupervisedCommand): Supervisor {
  const supervisor: Supervisor = spawn(process.execPath, [SUPERVISOR_FILE, basename(command.command)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    // Not the owner's NODE_OPTIONS: loaders and coverage of a test run have no business here.
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' },
  })
  // The order to a supervisor that has just ended is lost on purpose.
  supervisor.stdin.on('error', () => undefined)
  supervisor.stdin.write(`${JSON.stringify(command)}\n`)
  return supervisor
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
