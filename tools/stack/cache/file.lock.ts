import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { identifyProcess, isAlive } from '../supervision/process.identity.js'
import type { ProcessIdentity } from '../supervision/process.identity.js'

const POLL_MS = 200

type Release = () => Promise<void>

/** Wraps the wait for a lock that somebody else holds, to tell people about it. */
export type WaitReporter = <T>(holder: ProcessIdentity, wait: () => Promise<T>) => Promise<T>

export interface LockOptions {
  readonly reportWait?: WaitReporter
  /** Ends the wait early. */
  readonly signal?: AbortSignal
}

/**
 * A lock that outlives no process: the file names its holder, and a holder that is dead loses it. `link` makes the file appear
 * with its content, so no reader sees a lock without a holder.
 *
 * Two processes that find the same dead holder can both take its place in one rare order of events. Everything guarded by this lock
 * is also made in a temporary folder and renamed, so that costs a second build, never a broken one.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const release = await acquireLock(path, options)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function acquireLock(path: string, { reportWait = (_holder, wait) => wait(), signal }: LockOptions): Promise<Release> {
  const lock = await tryLock(path)
  if (typeof lock === 'function') return lock
  return reportWait(lock, async () => {
    for (;;) {
      signal?.throwIfAborted()
      await delay(POLL_MS)
      const retried = await tryLock(path)
      if (typeof retried === 'function') return retried
    }
  })
}

/** The release function, or the living process that holds the lock. */
export async function tryLock(path: string): Promise<Release | ProcessIdentity> {
  const self = await identifyProcess(process.pid)
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, JSON.stringify({ ...self, token: draft }))
  try {
    for (;;) {
      if (await isLinked(draft, path)) return () => rm(path, { force: true })
      const holder = await readHolder(path)
      if (holder && (await isAlive(holder))) return holder
      if (holder) await rename(path, `${draft}.stale`).then(() => rm(`${draft}.stale`), ignoreMissing)
    }
  } finally {
    await rm(draft, { force: true })
  }
}

async function isLinked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity
  } catch (error) {
    return ignoreMissing(error)
  }
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  return undefined
}
