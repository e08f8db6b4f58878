import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findExecutable } from '../prerequisites/executable.js'

/**
 * Path of the util-linux `setpriv`, by which the kernel can be asked to end a server together with its supervisor. Undefined where
 * there is none: another system, or busybox, whose setpriv cannot do that.
 */
export async function findDeathGuard(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const setpriv = await findExecutable('setpriv', process.env)
  if (setpriv === undefined) return undefined
  return promisify(execFile)(setpriv, ['--pdeathsig', 'KILL', '--', '/bin/true']).then(
    () => setpriv,
    () => undefined,
  )
}
