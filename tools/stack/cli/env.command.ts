import { makeEnvironment } from '../stack.environment.js'
import type { Environment } from '../stack.settings.js'
import { stackPlace } from './stack.place.js'
import { readLiveState } from './state.file.js'

/** Prints the worker's variables: for `eval "$(npm run --silent stack -- env)"`, or for a .env file. */
export async function runEnv(env: Environment): Promise<void> {
  const state = await readLiveState(stackPlace(env).stateFile)
  if (state?.phase !== 'ready') throw new Error('the stack is not running: npm run stack -- up')
  for (const [name, value] of Object.entries(makeEnvironment(state)))
    process.stdout.write(`export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
}
