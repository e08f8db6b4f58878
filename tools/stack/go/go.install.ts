import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { ensureBuilt } from '../cache/cached.build.js'
import type { InstallProgress } from '../progress/progress.js'
import type { Environment } from '../stack.settings.js'
import { runCommand } from '../supervision/run-command.js'
import { ServerLog } from '../supervision/server.log.js'
import { makeBuildEnvironment } from '../supervision/server-environment.js'

/** A server in Go, pinned: its module's sum is in Go's checksum database. */
export interface GoServer {
  /** Go gives it the name of the package's last folder. */
  readonly binary: string
  /** `module/path@version`. */
  readonly package: string
  /** About how many packages are compiled, for the progress. */
  readonly packageCount: number
  /** How long that takes. */
  readonly hint: string
}

export interface GoInstallOptions {
  /** Where it lies in the end; its name carries the version. */
  readonly folder: string
  /** Not looked for where the program has been built before. */
  readonly go: string | undefined
  readonly env: Environment
  readonly progress: InstallProgress
  readonly signal: AbortSignal
}

/** Gives the path of the binary; builds it where it has not been built yet. Throws with the end of the build's log. */
export async function installGoProgram(program: GoServer, { folder, go, env, progress, signal }: GoInstallOptions): Promise<string> {
  const build = (draft: string) => {
    const log = new ServerLog(join(draft, 'build.log'))
    // Each package is a line of the log, unless an earlier build has left it in Go's own cache.
    const countPackages = async () => `${(await log.sinceMark()).split('\n').length - 1} of about ${program.packageCount} packages compiled`
    const args = ['install', '-v', '-trimpath', '-ldflags', '-s -w', program.package]
    const environment = makeBuildEnvironment(env, { CGO_ENABLED: '0', GOBIN: join(draft, 'bin') })
    return progress.step(
      'building',
      async () => {
        await mkdir(join(draft, 'bin'))
        await runCommand(go ?? 'go', args, { environment, workingDirectory: draft, logFile: log.path, signal })
      },
      { detail: countPackages, hint: program.hint },
    )
  }
  await ensureBuilt({ folder, build, reportWait: progress.reportWait, signal })
  return join(folder, 'bin', program.binary)
}
