import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ProcessUser } from '../supervision/supervised.command.js'

const run = promisify(execFile)

/** PostgreSQL refuses to run as root; undefined where we are somebody else already. Makes the user where a machine has none. */
export async function resolvePostgresUser(): Promise<ProcessUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const found = await lookUp()
  if (found) return found
  await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'])
  const made = await lookUp()
  if (!made)
    throw new Error('PostgreSQL cannot run as root and the user "postgres" could not be made: run as another user, or set DATABASE_URL')
  return made
}

async function lookUp(): Promise<ProcessUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}
