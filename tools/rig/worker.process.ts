import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findDeathGuard, takeFreePort } from '#tools/stack'
import { PROJECT_FOLDER } from './project.folder.js'
import { readStartCommand } from './start.command.js'

export interface WorkerOptions {
  /** Settings beyond those of the stack. */
  readonly env: Readonly<Record<string, string>>
  /** Where stdout and stderr go. */
  readonly logFile: string
  /** Besides those of `start:prod`; they win. */
  readonly nodeFlags?: readonly string[]
  /** Instead of the service's own main file, below the project's folder: one that starts the service with something around it. */
  readonly main?: string
}

export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The built service as a process of its own, on a free port. Whoever starts it ends it: by `stop`, or by `kill`. It dies with its owner. */
export class WorkerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    /** Resolves when the process is gone. */
    readonly exited: Promise<WorkerExit>,
    private readonly logFile: string,
  ) {}

  static async start({ env, logFile, nodeFlags = [], main: otherMain }: WorkerOptions): Promise<WorkerProcess> {
    await mkdir(dirname(logFile), { recursive: true })
    const port = await takeFreePort()
    const log = createWriteStream(logFile, { flags: 'a' })
    const { flags, main } = await readStartCommand()
    const file = otherMain === undefined ? main : join(PROJECT_FOLDER, otherMain)
    const [command, ...args] = guardByKernel(await findDeathGuard(), [process.execPath, ...flags, ...nodeFlags, file])
    const child = spawn(command!, args, {
      cwd: PROJECT_FOLDER,
      env: { PATH: process.env.PATH, HTTP_HOST: '127.0.0.1', HTTP_PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const endWithOwner = () => child.kill('SIGKILL')
    process.once('exit', endWithOwner)
    child.stdout.pipe(log)
    child.stderr.pipe(log)
    const exited = new Promise<WorkerExit>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        process.removeListener('exit', endWithOwner)
        resolve({ code, signal })
      })
    })
    return new WorkerProcess(child, port, exited, logFile)
  }

  get pid(): number {
    return this.child.pid!
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Resolves when the service says that it is ready; rejects when it ends before, or after `timeoutMs`. */
  async whenReady(timeoutMs = 30_000): Promise<void> {
    const until = performance.now() + timeoutMs
    let last = 'no answer'
    while (performance.now() < until) {
      if (!this.isRunning)
        throw new Error(`the worker ended before it was ready (exit code ${this.child.exitCode}):\n${await this.readLogEnd()}`)
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined)
      if (answer?.ok) return
      if (answer) last = await answer.text()
      await delay(25)
    }
    throw new Error(`the worker was not ready within ${timeoutMs} ms: ${last}`)
  }

  /** What it answers, whatever its status; undefined where it does not answer. */
  async read(path: string): Promise<string | undefined> {
    const answer = await fetch(`${this.url}/${path}`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    return answer?.text()
  }

  /** The last lines of what the worker has written. */
  async readLogEnd(lines = 10): Promise<string> {
    return (await readFile(this.logFile, 'utf8')).trimEnd().split('\n').slice(-lines).join('\n')
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** SIGTERM, and wait. */
  async stop(): Promise<WorkerExit> {
    if (this.isRunning) this.signal('SIGTERM')
    return this.exited
  }

  /** SIGKILL, and wait. */
  async kill(): Promise<WorkerExit> {
    if (this.isRunning) this.signal('SIGKILL')
    return this.exited
  }
}

/** A SIGKILL of the owner leaves it no moment to end its worker; the kernel does it where it can be asked to. */
function guardByKernel(deathGuard: string | undefined, command: readonly string[]): readonly string[] {
  return deathGuard === undefined ? command : [deathGuard, '--pdeathsig', 'KILL', '--', ...command]
}
