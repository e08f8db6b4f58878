import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ServerRecipe, ServerRun } from '../server/server.recipe.js'
import type { Environment } from '../stack.settings.js'
import { makeServerEnvironment } from '../supervision/server-environment.js'
import { probeDatabase } from './database.admin.js'
import { makeDatabaseUrl } from './database-url.js'
import type { PostgresInstallation } from './postgres.install.js'
import { makePostgresSettings } from './postgres.settings.js'

export function makePostgresRecipe(
  installation: PostgresInstallation,
  env: Environment,
  settings: Readonly<Record<string, string>> = {},
): ServerRecipe {
  return {
    part: 'postgres',
    title: 'PostgreSQL',
    portNames: ['postgres'],
    readyLimitMs: 60_000,
    // "Fast shutdown": sessions are ended, then a checkpoint. SIGTERM would wait for the clients.
    gracefulSignal: 'SIGINT',
    // "Immediate shutdown": no checkpoint, but children and shared memory are gone, which SIGKILL would leave behind.
    abandonSignal: 'SIGQUIT',
    stopLimitMs: 20_000,
    portTaken: /could not bind IPv4 address|could not create any TCP\/IP sockets/,
    predecessorStillThere: /pre-existing shared memory block|lock file "postmaster\.pid" already exists/,
    initialise: async (dataFolder) => {
      await promisify(execFile)('cp', ['-a', installation.emptyCluster, join(dataFolder, 'cluster')])
    },
    launch: async ({ dataFolder, ports }) => ({
      command: join(installation.binFolder, 'postgres'),
      args: ['-D', join(dataFolder, 'cluster'), ...toFlags({ ...makePostgresSettings(ports.postgres), ...settings })],
      environment: makeServerEnvironment(env, { LC_ALL: 'C' }),
      ...(installation.user ? { user: installation.user } : {}),
    }),
    isReady: isPostgresReady,
  }
}

async function isPostgresReady({ log, ports }: ServerRun): Promise<boolean> {
  if (!(await log.sinceMark()).includes('database system is ready to accept connections')) return false
  await probeDatabase(makeDatabaseUrl(ports.postgres))
  return true
}

function toFlags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
