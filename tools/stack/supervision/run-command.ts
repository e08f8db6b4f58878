import type { ProcessUser } from './supervised.command.js'
import { SupervisedProcess } from './supervised.process.js'
import { ServerLog } from './server.log.js'
import { findDeathGuard } from './kernel-guard.js'

export interface CommandOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
  readonly logFile: string
  readonly user?: ProcessUser
  /** Ends the command, and its children, early. */
  readonly signal?: AbortSignal | undefined
}

/** Runs a build step to its end, supervised like a server: a killed owner must not leave a compiler behind either. */
export async function runCommand(command: string, args: readonly string[], { signal, ...options }: CommandOptions): Promise<void> {
  signal?.throwIfAborted()
  const log = new ServerLog(options.logFile)
  await log.mark()
  const running = await SupervisedProcess.start({
    ...options,
    command,
    args,
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: 5_000,
    orphanPolicy: 'abandon',
    deathGuard: await findDeathGuard(),
  })
  const abandon = () => void running.abandon()
  signal?.addEventListener('abort', abandon)
  const exit = await running.exited
  signal?.removeEventListener('abort', abandon)
  signal?.throwIfAborted()
  if (exit.code === 0) return
  throw new Error(`${[command, ...args].join(' ')} ended with ${exit.signal ?? `exit code ${exit.code}`}\n${await log.tail()}`)
}
