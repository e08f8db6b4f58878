import { createHash } from 'node:crypto'
import { lstat, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { makeOpenFolder } from './open-folder.js'
import type { Environment } from '../stack.settings.js'

/** Where things lie. Two roots, because PostgreSQL's user must reach what it runs, which a root's 0700 home does not allow. */
export interface StackFolders {
  /** Downloads and builds, kept between runs: SLUICE_CACHE_DIR, by default ~/.cache/sluice. */
  readonly cache: string
  /** PostgreSQL's binaries and every stack's data: SLUICE_RUN_DIR, by default /var/tmp/sluice-<uid>. */
  readonly run: string
}

export async function prepareFolders(env: Environment): Promise<StackFolders> {
  const cache = env.SLUICE_CACHE_DIR ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice')
  const run = env.SLUICE_RUN_DIR ?? `/var/tmp/sluice-${process.getuid?.() ?? 'user'}`
  await mkdir(cache, { recursive: true })
  await mkdir(run, { recursive: true })
  await refuseForeignFolder(run)
  await makeOpenFolder(run)
  return { cache, run }
}

/** The data of the stack that belongs to one checkout; two checkouts have two. */
export async function makeNamedFolder(folders: StackFolders, name: string, checkout: string): Promise<string> {
  const owner = createHash('sha256').update(checkout).digest('hex').slice(0, 12)
  const parent = join(folders.run, 'named')
  const folder = join(parent, `${name}-${owner}`)
  await makeOpenFolder(parent)
  await makeOpenFolder(folder)
  return folder
}

/** The name in /var/tmp can be guessed, so somebody else may have made the folder, or a link, first. */
async function refuseForeignFolder(folder: string): Promise<void> {
  const found = await lstat(folder)
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) {
    throw new Error(`${folder} is not a folder of this user: set SLUICE_RUN_DIR to one that is`)
  }
}
