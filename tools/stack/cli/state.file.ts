import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { StackAddresses } from '../stack.addresses.js'
import type { Stack } from '../stack.js'
import type { PartName } from '../stack.settings.js'
import { identifyProcess, isAlive } from '../supervision/process.identity.js'
import type { ProcessIdentity } from '../supervision/process.identity.js'

export interface StackState {
  readonly phase: 'starting' | 'ready'
  /** The process to end in order to end the stack. */
  readonly owner: ProcessIdentity
  readonly startedAt: string
  readonly addresses: StackAddresses
  /** Only of servers that the stack has started. */
  readonly servers: Readonly<Partial<Record<PartName, { pid?: number; logFile: string }>>>
}

export async function writeState(stateFile: string, phase: StackState['phase'], stack?: Stack): Promise<void> {
  const owner = await identifyProcess(process.pid)
  if (!owner) throw new Error('this process cannot find itself in the process table')
  const local = stack?.parts.filter((part) => stack.isLocal(part)).map((part) => [part, stack.server(part)] as const) ?? []
  const state: StackState = {
    phase,
    owner,
    startedAt: new Date().toISOString(),
    addresses: stack?.addresses ?? {},
    servers: Object.fromEntries(local.map(([part, { pid, logFile }]) => [part, { pid, logFile }])),
  }
  // A reader sees the old state or the new one.
  await writeFile(`${stateFile}.draft`, `${JSON.stringify(state, null, 2)}\n`)
  await rename(`${stateFile}.draft`, stateFile)
}

/** Undefined unless the stack's owner lives; the file of one that was killed says nothing. */
export async function readLiveState(stateFile: string): Promise<StackState | undefined> {
  const text = await readFile(stateFile, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const state = JSON.parse(text) as StackState
  return (await isAlive(state.owner)) ? state : undefined
}

export async function removeState(stateFile: string): Promise<void> {
  await rm(stateFile, { force: true })
}
