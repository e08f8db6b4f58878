import { userInfo } from 'node:os'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Change } from '#libs/kernel'
import { durationSchema } from '#libs/tasks'

export type OutputFormat = 'table' | 'json'

/** What every command that changes something is told. */
export interface AuditOptions {
  readonly actor: string
  readonly reason?: string
  readonly output: OutputFormat
}

export interface ChangeOptions extends AuditOptions {
  readonly dryRun: boolean
}

export function addOutputOption(command: Command): Command {
  return command.addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
}

export function addAuditOptions(command: Command): Command {
  command
    .option('--reason <text>', 'why, for the audit: required for every change')
    .option('--actor <name>', 'who, for the audit', findActor())
  return addOutputOption(command)
}

export function addChangeOptions(command: Command): Command {
  return addAuditOptions(command).option('--dry-run', 'only tell what would be done', false)
}

export function readChange({ actor, reason, dryRun = false }: AuditOptions & { readonly dryRun?: boolean }): Change {
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

/** A time, or how long ago it was. */
export function readTimeOrAge(text: string): Date {
  const age = durationSchema.safeParse(text)
  return age.success ? new Date(Date.now() - age.data) : (readTime(text) ?? new Date())
}

/** A rate: it may be below one. */
export function readRate(text: string): number {
  const rate = Number(text)
  if (text.trim() !== '' && Number.isFinite(rate) && rate > 0) return rate
  throw new InvalidArgumentError('must be a number above 0.')
}
