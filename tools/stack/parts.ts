import type { StackFolders } from './cache/stack.folders.js'
import { installKafka } from './kafka/kafka.install.js'
import { ensureClassArchive } from './kafka/class.archive.js'
import { makeJavaFlags } from './kafka/java.flags.js'
import type { JavaOptions } from './kafka/java.flags.js'
import type { ProxiedListener, SecuredListeners } from './kafka/kafka.properties.js'
import { makeKafkaRecipe } from './kafka/kafka.recipe.js'
import { installMinio } from './minio/minio.install.js'
import { makeMinioRecipe, MINIO_ACCESS_KEY, MINIO_SECRET_KEY } from './minio/minio.recipe.js'
import { makeDatabaseUrl } from './postgres/database-url.js'
import { installPostgres } from './postgres/postgres.install.js'
import { makePostgresRecipe } from './postgres/postgres.recipe.js'
import { resolvePostgresUser } from './postgres/postgres.user.js'
import type { Prerequisites } from './prerequisites/prerequisites.js'
import type { InstallProgress } from './progress/progress.js'
import type { ServerRecipe } from './server/server.recipe.js'
import { makeSimulatorAddress } from './simulator/gigachat.address.js'
import { makeSimulatorRecipe } from './simulator/simulator.recipe.js'
import type { StackAddresses } from './stack.addresses.js'
import type { Environment, PartName, Ports } from './stack.settings.js'

/** What a stack's owner may want otherwise in one part. */
export interface PartOptions {
  readonly postgres?: { readonly settings?: Readonly<Record<string, string>> }
  readonly kafka?: JavaOptions & { readonly proxied?: ProxiedListener; readonly secured?: SecuredListeners }
  readonly minio?: { readonly console?: boolean }
  /** As its control API takes them. */
  readonly simulator?: { readonly settings?: object }
}

export interface PartSurroundings extends PartOptions {
  readonly env: Environment
  readonly folders: StackFolders
  readonly prerequisites: Prerequisites
  readonly progress: InstallProgress
  readonly deathGuard: string | undefined
  readonly signal: AbortSignal
}

export const PART_TITLES: Readonly<Record<PartName, string>> = {
  postgres: 'PostgreSQL',
  kafka: 'Kafka',
  minio: 'MinIO',
  simulator: 'GigaChat simulator',
}

/** Installs what a part needs, where that has not been done yet, and gives the recipe to run it. */
export const RECIPES: Readonly<Record<PartName, (around: PartSurroundings) => Promise<ServerRecipe>>> = {
  postgres: async ({ env, folders, prerequisites, progress, signal, postgres }) => {
    const user = await resolvePostgresUser()
    const source = present(prerequisites.postgresPackage)
    const installation = await installPostgres(source, { runFolder: folders.run, env, user, progress, signal })
    return makePostgresRecipe(installation, env, postgres?.settings)
  },
  kafka: async ({ env, folders, prerequisites, kafka, ...around }) => {
    const [cacheFolder, java] = [folders.cache, present(prerequisites.java)]
    const installation = await installKafka({ ...around, cacheFolder, java: java.command, maven: prerequisites.maven, env })
    const classArchive = await ensureClassArchive({ ...around, cacheFolder, javaVersion: java.version, installation, env })
    return makeKafkaRecipe({
      installation,
      env,
      javaFlags: makeJavaFlags({ ...kafka, classArchive }),
      brokerSessionMs: kafka?.quickStart ? 3_000 : undefined,
      proxied: kafka?.proxied,
      secured: kafka?.secured,
    })
  },
  minio: async ({ env, folders, prerequisites, progress, signal, minio }) => {
    const binary = await installMinio({ cacheFolder: folders.cache, go: prerequisites.go, env, progress, signal })
    return makeMinioRecipe({ binary, env, console: minio?.console ?? false })
  },
  simulator: async ({ env, prerequisites, simulator }) =>
    makeSimulatorRecipe({ mainFile: present(prerequisites.simulatorMain), env, settings: simulator?.settings }),
}

/** Where a server on these ports is reached. */
export const LOCAL_ADDRESSES: { readonly [P in PartName]: (ports: Required<Ports>) => Required<StackAddresses>[P] } = {
  postgres: (ports) => makeDatabaseUrl(ports.postgres),
  kafka: (ports) => [`127.0.0.1:${ports.kafka}`],
  minio: (ports) => ({ endpoint: `http://127.0.0.1:${ports.minio}`, accessKey: MINIO_ACCESS_KEY, secretKey: MINIO_SECRET_KEY }),
  simulator: (ports) => makeSimulatorAddress(ports.simulator),
}

/** `checkPrerequisites` throws where something that a part needs is missing. */
function present<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('a prerequisite was not checked before its use')
  return found
}
