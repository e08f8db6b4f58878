import type { ServerRecipe, ServerRun } from '../server/server.recipe.js'
import { probeMinio } from './minio.probe.js'
import type { Environment } from '../stack.settings.js'
import { makeServerEnvironment } from '../supervision/server-environment.js'

/** Of a local server on 127.0.0.1 only, so no secret. */
export const MINIO_ACCESS_KEY = 'sluice'
export const MINIO_SECRET_KEY = 'sluice-local-secret'

export interface MinioRecipeOptions {
  readonly binary: string
  readonly env: Environment
  /** The web page for people; tests do without it. */
  readonly console: boolean
}

export function makeMinioRecipe({ binary, env, console: hasConsole }: MinioRecipeOptions): ServerRecipe {
  return {
    part: 'minio',
    title: 'MinIO',
    portNames: hasConsole ? ['minio', 'minioConsole'] : ['minio'],
    readyLimitMs: 60_000,
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: 10_000,
    portTaken: /port is already in use|address already in use/,
    initialise: () => Promise.resolve(),
    launch: async ({ dataFolder, ports }) => ({
      command: binary,
      args: [
        ['server', dataFolder, '--address', `127.0.0.1:${ports.minio}`],
        hasConsole ? ['--console-address', `127.0.0.1:${ports.minioConsole}`] : [],
      ].flat(),
      environment: makeServerEnvironment(env, {
        MINIO_ROOT_USER: MINIO_ACCESS_KEY,
        MINIO_ROOT_PASSWORD: MINIO_SECRET_KEY,
        MINIO_BROWSER: hasConsole ? 'on' : 'off',
        // It would ask the internet for a newer version.
        MINIO_UPDATE: 'off',
      }),
    }),
    isReady: isMinioReady,
  }
}

/** It answers the health check before it can store anything, but says so in its log only afterwards. */
async function isMinioReady({ log, ports }: ServerRun): Promise<boolean> {
  const endpoint = `http://127.0.0.1:${ports.minio}`
  if (!(await log.sinceMark()).includes(`API: ${endpoint}`)) return false
  await probeMinio(endpoint)
  return true
}
