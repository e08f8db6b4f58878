import { userInfo } from 'node:os'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { durationSchema } from '#libs/tasks'

export type OutputFormat = 'table' | 'json'

/** What every command that changes something is told. */
export interface ChangeOptions {
  readonly actor: string
  readonly reason?: string
  readonly dryRun: boolean
  readonly output: OutputFormat
}

export function addOutputOption(command: Command): Command {
  return command.addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
}

export function addChangeOptions(command: Command): Command {
  command
    .option('--reason <text>', 'why, for the audit (required unless --dry-run)')
    .option('--actor <name>', 'who, for the audit', findActor())
    .option('--dry-run', 'only tell what would be done', false)
  return addOutputOption(command)
}

export function readChange({ actor, reason, dryRun }: ChangeOptions): { readonly actor: string; readonly reason: string } {
  if (reason === undefined && !dryRun) throw new Error('--reason is missing: say why, it is written down with the change')
  return { actor, reason: reason ?? '' }
}

/** A container's user may have no name. */
function findActor(): string {
  try {
    return userInfo().username
  } catch {
    return process.env.USER ?? `uid ${process.getuid?.()}`
  }
}

export function readCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count
  throw new InvalidArgumentError('must be a whole number above 0.')
}

export function readDuration(text: string): number {
  const parsed = durationSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('must be a number with ms, s, m, h or d, as in 30m.')
}

/** null: now. A time without a zone would be taken for local time here and for another one elsewhere. */
export function readTime(text: string): Date | null {
  if (text === 'now') return null
  const time = new Date(text)
  if (!Number.isNaN(time.getTime()) && /(Z|[+-]\d{2}:\d{2})$/.test(text)) return time
  throw new InvalidArgumentError('must be now, or a time with its zone, as in 2030-01-02T03:04:05Z.')
}
