import { PART_TITLES } from '../parts.js'
import { probeServer } from './server.health.js'
import type { Environment, PartName } from '../stack.settings.js'
import { stackPlace } from './stack.place.js'
import { describeAddress } from './stack.table.js'
import { readLiveState } from './state.file.js'
import type { StackState } from './state.file.js'

export interface PartStatus {
  readonly part: PartName
  readonly address: string
  /** Empty for a server that the stack did not start. */
  readonly pid?: number
  readonly health: string
}

/** Prints each part's address, process and whether it answers. True when all do. */
export async function runStatus({ json }: { json: boolean }, env: Environment): Promise<boolean> {
  const state = await readLiveState(stackPlace(env).stateFile)
  const parts = state ? await Promise.all((Object.keys(state.addresses) as PartName[]).map((part) => inspect(part, state))) : []
  const phase = state?.phase ?? 'down'
  if (json) process.stdout.write(`${JSON.stringify({ phase, owner: state?.owner.pid, parts })}\n`)
  else process.stdout.write(`${formatStatus(phase, state, parts)}\n`)
  return phase === 'ready' && parts.every(({ health }) => health === 'up')
}

async function inspect(part: PartName, state: StackState): Promise<PartStatus> {
  const health = await probeServer(part, state.addresses, state.servers[part] !== undefined).then(
    () => 'up',
    (error: Error) => `down: ${error.message}`,
  )
  const pid = state.servers[part]?.pid
  return { part, address: describeAddress(part, state.addresses), health, ...(pid !== undefined && { pid }) }
}

function formatStatus(phase: string, state: StackState | undefined, parts: readonly PartStatus[]): string {
  if (!state) return 'The stack is not running: npm run stack -- up'
  const rows = parts.map(({ part, address, pid, health }) => {
    const owner = pid === undefined ? 'external' : `pid ${pid}`
    return `${PART_TITLES[part].padEnd(20)} ${address.padEnd(56)} ${owner.padEnd(12)} ${health}`
  })
  return [`The stack is ${phase} (process ${state.owner.pid}, since ${state.startedAt})`, ...rows].join('\n')
}
