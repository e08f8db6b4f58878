import { join } from 'node:path'
import { findProjectFolder } from '../project.folder.js'

/** The stack of a checkout; tests and benchmarks have others, of their own. */
export const CHECKOUT_STACK = 'dev'

/** Where the checkout keeps what belongs to its stack; data lies elsewhere, since PostgreSQL's user may not be able to come here. */
export function stackPlace(): { folder: string; logs: string; stateFile: string; lockFile: string } {
  const folder = join(findProjectFolder(), '.stack')
  return { folder, logs: join(folder, 'logs'), stateFile: join(folder, 'state.json'), lockFile: join(folder, 'lock') }
}
