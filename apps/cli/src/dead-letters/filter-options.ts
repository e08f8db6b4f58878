import { Option, type Command } from 'commander'
import type { DeadLetterFilter } from '#libs/kernel'
import { readCount, readTimeOrAge } from '../operator-options.js'
import { DEFAULT_TENANT } from '../tasks/selection-options.js'

export interface DeadLetterOptions {
  readonly fingerprint?: string
  readonly code?: string
  readonly tenant?: string
  readonly type?: string
  readonly since?: Date
  readonly until?: Date
}

export function addDeadLetterFilter(command: Command): Command {
  return command
    .option('--fingerprint <text>', 'of one group, as the list says it')
    .option('--code <code>', 'the error code')
    .option('--tenant <name>', `whose tasks; of tasks that are named: ${DEFAULT_TENANT} where left out`)
    .option('--type <name>', 'the task type')
    .addOption(new Option('--since <time>', 'failed at or after it: a time with its zone, or an age as in 2h').argParser(readTimeOrAge))
    .addOption(new Option('--until <time>', 'failed before it').argParser(readTimeOrAge))
}

export function addLimitOption(command: Command, limit: number): Command {
  return command.addOption(new Option('--limit <count>', 'at most so many').argParser(readCount).default(limit))
}

export function readDeadLetterFilter({ fingerprint, code, tenant, type, since, until }: DeadLetterOptions): DeadLetterFilter {
  return {
    ...(fingerprint !== undefined && { fingerprint }),
    ...(code !== undefined && { code }),
    ...(tenant !== undefined && { tenant }),
    ...(type !== undefined && { type }),
    ...(since && { since }),
    ...(until && { until }),
  }
}
