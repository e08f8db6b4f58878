import { join, resolve } from 'node:path'
import { findProjectFolder } from '../project.folder.js'
import type { Environment } from '../stack.settings.js'

/** The stack of a checkout; tests and benchmarks have others, of their own. */
export const CHECKOUT_STACK = 'dev'

/**
 * Where the checkout keeps what belongs to its stack: STACK_FOLDER, by default .stack. Data lies elsewhere, since PostgreSQL's user
 * may not be able to come here.
 */
export function stackPlace(env: Environment): { logs: string; stateFile: string; lockFile: string } {
  const folder = resolve(env.STACK_FOLDER || join(findProjectFolder(), '.stack'))
  return { logs: join(folder, 'logs'), stateFile: join(folder, 'state.json'), lockFile: join(folder, 'lock') }
}
