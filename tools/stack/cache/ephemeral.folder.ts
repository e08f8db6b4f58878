import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeOpenFolder } from './open-folder.js'
import { identifyProcess, isAlive } from '../supervision/process.identity.js'
import type { ProcessIdentity } from '../supervision/process.identity.js'

const OWNER_FILE = 'owner.json'
const LOGS_KEPT_MS = 24 * 60 * 60 * 1000

/** The folder of a stack that will not be needed again: data goes when it stops, logs stay for a day. */
export interface EphemeralFolder {
  readonly data: string
  readonly logs: string
}

export async function createEphemeralFolder(runFolder: string, name: string): Promise<EphemeralFolder> {
  const parent = join(runFolder, 'ephemeral')
  await makeOpenFolder(parent)
  await sweepAbandoned(parent)
  const folder = await mkdtemp(join(parent, `${name}-`))
  await makeOpenFolder(folder)
  await writeFile(join(folder, OWNER_FILE), JSON.stringify(await identifyProcess(process.pid)))
  const made = { data: join(folder, 'data'), logs: join(folder, 'logs') }
  await Promise.all([makeOpenFolder(made.data), makeOpenFolder(made.logs)])
  return made
}

/** An owner that was killed could not tidy up: whoever comes next does. */
async function sweepAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name)
    const owner = await readOwner(folder)
    if (owner && (await isAlive(owner))) continue
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: 0 }))
    const isOld = Date.now() - mtimeMs > LOGS_KEPT_MS
    // Without an owner it is just being made, unless that was long ago.
    if (!owner && !isOld) continue
    const doomed = isOld ? folder : join(folder, 'data')
    // Its servers may be ending at this moment; what they still write is swept the next time.
    await rm(doomed, { recursive: true, force: true }).catch(() => undefined)
  }
}

async function readOwner(folder: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}
