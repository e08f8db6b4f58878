import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeOpenFolder } from './open-folder.js'
import { withFileLock } from './file.lock.js'
import type { LockOptions } from './file.lock.js'

export interface CachedBuild extends LockOptions {
  /** The folder to have in the end; its name carries the version, so a new version is another folder. */
  readonly folder: string
  /** Fills an empty folder beside the final one. */
  readonly build: (draftFolder: string) => Promise<void>
}

/** Builds a folder once. It appears whole or not at all, whoever is killed meanwhile; a second process waits for the first. */
export async function ensureBuilt({ folder, build, ...lockOptions }: CachedBuild): Promise<void> {
  if (await exists(folder)) return
  const parent = dirname(folder)
  const draftPrefix = `.draft-${basename(folder)}-`
  await mkdir(parent, { recursive: true })
  const work = async () => {
    if (await exists(folder)) return
    await removeDrafts(parent, draftPrefix)
    const draft = await mkdtemp(join(parent, draftPrefix))
    try {
      await makeOpenFolder(draft)
      await build(draft)
      await rename(draft, folder)
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }
  await withFileLock(`${folder}.lock`, work, lockOptions)
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Left by builders that were killed; the lock is ours, so none is at work. */
async function removeDrafts(parent: string, prefix: string): Promise<void> {
  const drafts = (await readdir(parent)).filter((name) => name.startsWith(prefix))
  await Promise.all(drafts.map((name) => rm(join(parent, name), { recursive: true, force: true })))
}
