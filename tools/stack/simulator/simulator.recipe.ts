import type { ServerRecipe, ServerRun } from '../server/server.recipe.js'
import type { Environment } from '../stack.settings.js'
import { makeServerEnvironment } from '../supervision/server-environment.js'

export interface SimulatorRecipeOptions {
  readonly mainFile: string
  readonly env: Environment
  /** Its settings at the start, as its control API takes them; SIMULATOR_SETTINGS otherwise. */
  readonly settings?: object | undefined
}

export function makeSimulatorRecipe({ mainFile, env, settings }: SimulatorRecipeOptions): ServerRecipe {
  const settingsText = settings ? JSON.stringify(settings) : env.SIMULATOR_SETTINGS
  return {
    part: 'simulator',
    title: 'GigaChat simulator',
    portNames: ['simulator'],
    readyLimitMs: 20_000,
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: 5_000,
    portTaken: /EADDRINUSE/,
    initialise: () => Promise.resolve(),
    launch: async ({ ports }) => ({
      command: process.execPath,
      args: [mainFile],
      environment: makeServerEnvironment(env, {
        SIMULATOR_HOST: '127.0.0.1',
        SIMULATOR_PORT: String(ports.simulator),
        ...(settingsText && { SIMULATOR_SETTINGS: settingsText }),
      }),
    }),
    isReady: isSimulatorReady,
  }
}

/** It prints one line of JSON when it listens. */
async function isSimulatorReady({ log }: ServerRun): Promise<boolean> {
  return (await log.sinceMark()).includes('"event":"listening"')
}
