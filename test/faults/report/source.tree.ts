import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PROJECT_FOLDER } from '#tools/rig'

const run = promisify(execFile)

/** What a fault test depends on: a changed sentence of the documentation makes no result stale. */
const PATHS = ['apps', 'libs', 'tools', 'test', 'task-types', 'prompts', 'package.json', 'package-lock.json']

/** Git's hash of those sources as they lie, committed or not; `unknown` outside of a checkout. The index is left alone. */
export async function hashSourceTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tree-'))
  const git = (...args: readonly string[]) =>
    run('git', [...args], { cwd: PROJECT_FOLDER, env: { ...process.env, GIT_INDEX_FILE: join(folder, 'index') } })
  try {
    await git('add', '--all', '--', ...PATHS)
    return (await git('write-tree')).stdout.trim()
  } catch {
    return 'unknown'
  } finally {
    await rm(folder, { recursive: true })
  }
}
