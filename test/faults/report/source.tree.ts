import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PROJECT_FOLDER } from '#tools/rig'

const run = promisify(execFile)

/** Git's hash of the working tree as it lies, committed or not; `unknown` outside of a checkout. The index is left alone. */
export async function hashSourceTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tree-'))
  const git = (...args: readonly string[]) =>
    run('git', [...args], { cwd: PROJECT_FOLDER, env: { ...process.env, GIT_INDEX_FILE: join(folder, 'index') } })
  try {
    await git('add', '--all')
    return (await git('write-tree')).stdout.trim()
  } catch {
    return 'unknown'
  } finally {
    await rm(folder, { recursive: true })
  }
}
