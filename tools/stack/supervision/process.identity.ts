import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A process for ever: its pid, and since when it runs, so that a recycled pid is never taken for it. */
export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; compared, never read. */
  readonly bornAt: string
}

export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const bornAt = process.platform === 'linux' ? await readLinuxBirth(pid) : await readBirthFromPs(pid)
  return bornAt === undefined ? undefined : { pid, bornAt }
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.bornAt === identity.bornAt
}

/** Sends a signal only to the very process that was identified; false when it is gone. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch {
    return false
  }
}

/** Ticks since boot repeat after a reboot, hence the boot id. A zombie has ended: nobody waits for it in a container without an init. */
async function readLinuxBirth(pid: number): Promise<string | undefined> {
  try {
    const [bootId, stat] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')])
    // The command name, in brackets, may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    return state === 'Z' || state === 'X' ? undefined : `${bootId.trim()}:${startTicks}`
  } catch {
    return undefined
  }
}

async function readBirthFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}
