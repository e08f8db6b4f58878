import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { ensureBuilt } from '../cache/cached.build.js'
import type { InstallProgress } from '../progress/progress.js'
import type { Environment } from '../stack.settings.js'
import { runCommand } from '../supervision/run-command.js'
import { ServerLog } from '../supervision/server.log.js'
import { makeBuildEnvironment } from '../supervision/server-environment.js'

/** The last commit of the archived upstream, which has no version tags that Go understands. Go checks its sum. */
export const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'
/** What that version's go.mod asks for. */
export const OLDEST_GO = '1.24'

const PACKAGE_COUNT = 1_500

export interface MinioInstallOptions {
  readonly cacheFolder: string
  /** Not looked for where MinIO has been built before. */
  readonly go: string | undefined
  readonly env: Environment
  readonly progress: InstallProgress
  readonly signal: AbortSignal
}

export function minioFolder(cacheFolder: string): string {
  return join(cacheFolder, `minio-${MINIO_VERSION}`)
}

/** Gives the path of the binary; builds it where it has not been built yet, which takes two to four minutes. */
export async function installMinio({ cacheFolder, go, env, progress, signal }: MinioInstallOptions): Promise<string> {
  const folder = minioFolder(cacheFolder)
  const build = (draft: string) => {
    const log = new ServerLog(join(draft, 'build.log'))
    // Each package is a line of the log, unless an earlier build has left it in Go's own cache.
    const countPackages = async () => `${(await log.sinceMark()).split('\n').length - 1} of about ${PACKAGE_COUNT} packages compiled`
    const args = ['install', '-v', '-trimpath', '-ldflags', '-s -w', `github.com/minio/minio@${MINIO_VERSION}`]
    const environment = makeBuildEnvironment(env, { CGO_ENABLED: '0', GOBIN: join(draft, 'bin') })
    return progress.step(
      'building',
      async () => {
        await mkdir(join(draft, 'bin'))
        await runCommand(go ?? 'go', args, { environment, workingDirectory: draft, logFile: log.path, signal })
      },
      { detail: countPackages, hint: 'once, about 3 minutes on two cores' },
    )
  }
  await ensureBuilt({ folder, build, reportWait: progress.reportWait, signal })
  return join(folder, 'bin', 'minio')
}
