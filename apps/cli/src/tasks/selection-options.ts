import { Option, type Command } from 'commander'
import type { TaskSelection } from '#libs/admin'
import type { TaskFilter, UnfinishedState } from '#libs/kernel'
import { readCount, readDuration } from '../operator-options.js'

export const DEFAULT_TENANT = 'default'
const DEFAULT_LIMIT = 1_000

export interface FilterOptions {
  readonly state?: UnfinishedState
  readonly tenant?: string
  readonly type?: string
  readonly waitsFor?: string
  readonly olderThan?: number
  readonly limit: number
}

export function addFilterOptions(command: Command, { limit = DEFAULT_LIMIT } = {}): Command {
  return command
    .addOption(new Option('--state <state>', 'the state').choices(['pending', 'running', 'held']))
    .option('--tenant <name>', `whose tasks; of tasks that are named: ${DEFAULT_TENANT} where left out`)
    .option('--type <name>', 'the task type')
    .option('--waits-for <reason>', 'what a task waits for, as the list says it')
    .addOption(new Option('--older-than <age>', 'accepted longer ago, as in 90m').argParser(readDuration))
    .addOption(new Option('--limit <count>', 'at most so many, oldest first').argParser(readCount).default(limit))
}

export function readFilter({ state, tenant, type, waitsFor, olderThan }: FilterOptions): TaskFilter {
  return {
    ...(state && { states: [state] }),
    ...(tenant !== undefined && { tenant }),
    ...(type !== undefined && { type }),
    ...(waitsFor !== undefined && { reason: waitsFor }),
    ...(olderThan !== undefined && { olderThanMs: olderThan }),
  }
}

/** Ids, or a filter: together it would not be clear what is meant. */
export function readSelection(taskIds: readonly string[], options: FilterOptions): TaskSelection {
  const filter = readFilter(options)
  if (taskIds.length === 0) return { kind: 'filter', filter, limit: options.limit }
  const { tenant = DEFAULT_TENANT, ...others } = filter
  if (Object.keys(others).length > 0) throw new Error('name tasks, or say which by --state, --type, --waits-for or --older-than, not both')
  return { kind: 'ids', tenant, taskIds }
}
