import { join } from 'node:path'
import { installGoProgram, type GoInstallOptions } from '../go/go.install.js'

/** The last commit of the archived upstream, which has no version tags that Go understands. Go checks its sum. */
export const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'
/** What that version's go.mod asks for. */
export const OLDEST_GO = '1.24'

export function minioFolder(cacheFolder: string): string {
  return join(cacheFolder, `minio-${MINIO_VERSION}`)
}

/** Gives the path of the binary; builds it where it has not been built yet, which takes two to four minutes. */
export async function installMinio(options: Omit<GoInstallOptions, 'folder'> & { readonly cacheFolder: string }): Promise<string> {
  const program = {
    binary: 'minio',
    package: `github.com/minio/minio@${MINIO_VERSION}`,
    packageCount: 1_500,
    hint: 'once, about 3 minutes on two cores',
  }
  return installGoProgram(program, { ...options, folder: minioFolder(options.cacheFolder) })
}
