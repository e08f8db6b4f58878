import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureBuilt } from '../stack/cache/cached.build.js'

/** A program in Go, pinned: its module's sum is in Go's checksum database. */
export interface GoProgram {
  readonly name: string
  readonly package: string
  readonly version: string
}

export const HELM: GoProgram = { name: 'helm', package: 'helm.sh/helm/v3/cmd/helm', version: 'v3.21.4' }
export const KUBECONFORM: GoProgram = { name: 'kubeconform', package: 'github.com/yannh/kubeconform/cmd/kubeconform', version: 'v0.8.0' }

export function locateProgram(program: GoProgram, cacheFolder: string): string {
  return join(folderOf(program, cacheFolder), program.name)
}

/** Gives the path of the binary; builds it where that has not been done yet. */
export async function installProgram(program: GoProgram, cacheFolder: string): Promise<string> {
  const build = async (draft: string) => {
    const args = ['install', '-trimpath', '-ldflags', '-s -w', `${program.package}@${program.version}`]
    await promisify(execFile)('go', args, { env: { ...process.env, CGO_ENABLED: '0', GOBIN: draft } })
  }
  await ensureBuilt({ folder: folderOf(program, cacheFolder), build })
  return locateProgram(program, cacheFolder)
}

function folderOf(program: GoProgram, cacheFolder: string): string {
  return join(cacheFolder, `${program.name}-${program.version}`)
}
