import { readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second for all programs, whatever its own tick is. */
const TICKS_PER_SECOND = 100

/** Fields of /proc/<pid>/stat after the name, which is in brackets and may itself contain anything: proc(5). */
const UTIME = 11
const STIME = 12
const CHILDREN_UTIME = 13
const CHILDREN_STIME = 14

/** CPU seconds of a process, of the children that it has now, and of those that it has outlived. 0 for a process that has gone. */
export function readTreeCpuSeconds(pid: number): number {
  const fields = readStat(pid)
  if (fields === undefined) return 0
  const ticks = [UTIME, STIME, CHILDREN_UTIME, CHILDREN_STIME].reduce((sum, index) => sum + Number(fields[index]), 0)
  return readChildren(pid).reduce((sum, child) => sum + readTreeCpuSeconds(child), ticks / TICKS_PER_SECOND)
}

/** The most memory that the process ever had resident, and what it has now. */
export function readMemoryMib(pid: number): { readonly peak: number; readonly now: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { peak: readKib(status, 'VmHWM') / 1_024, now: readKib(status, 'VmRSS') / 1_024 }
}

function readStat(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function readChildren(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function readKib(status: string, name: string): number {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
  if (kib === undefined) throw new Error(`/proc says no ${name}`)
  return Number(kib)
}
