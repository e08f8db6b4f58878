import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Whether the kernel can end a server together with its supervisor: util-linux `setpriv` can ask for it, busybox's cannot. */
export async function canEndWithSupervisor(): Promise<boolean> {
  if (process.platform !== 'linux') return false
  try {
    await promisify(execFile)('setpriv', ['--pdeathsig', 'KILL', '--', 'true'])
    return true
  } catch {
    return false
  }
}
