import { makeEnvironment } from '../stack.environment.js'
import { stackPlace } from './stack.place.js'
import { readLiveState } from './state.file.js'

/** Prints the worker's variables: for `eval "$(npm run --silent stack -- env)"`, or for a .env file. */
export async function runEnv(): Promise<void> {
  const state = await readLiveState(stackPlace().stateFile)
  if (state?.phase !== 'ready') throw new Error('the stack is not running: npm run stack -- up')
  for (const [name, value] of Object.entries(makeEnvironment(state)))
    process.stdout.write(`export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
}
