import type { Clock } from '#libs/kernel'
import { LOG_LEVELS, type LogLevel } from '../logging.settings.js'
import { LEVEL_SCOPES, type LevelScope, type LevelSubject, type LogLevelRule } from './log-level.rule.js'

const MAX_RULES = 100
/** Node fires a longer timer at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * The levels that hold now. Without rules it costs nothing: pino itself leaves out what is below its level. With rules pino's level is the
 * lowest of all, and each line is looked at.
 *
 * A rule: set (`set`; one for each scope and name, the last one counts) -> over, by `clear` or by itself when its time is up.
 */
export class LogLevels {
  private readonly rules = new Map<string, LogLevelRule>()
  private timer: NodeJS.Timeout | undefined
  private lowestRank: number
  private readonly listeners: ((lowest: LogLevel) => void)[] = []

  constructor(
    readonly base: LogLevel,
    private readonly clock: Clock,
  ) {
    this.lowestRank = rankOf(base)
  }

  /** Those that hold now. */
  get all(): readonly LogLevelRule[] {
    this.expire()
    return [...this.rules.values()]
  }

  /** Is told the lowest level of which any line may be written, now and at each change. */
  onChange(listener: (lowest: LogLevel) => void): void {
    this.listeners.push(listener)
    listener(this.lowest)
  }

  /** Throws RangeError above 100 rules. */
  set(rule: LogLevelRule): void {
    const key = keyOf(rule)
    if (!this.rules.has(key) && this.rules.size >= MAX_RULES)
      throw new RangeError(`there are ${MAX_RULES} rules already: remove some first`)
    this.rules.set(key, rule)
    this.announce()
  }

  /** false: there is no such rule. */
  clear(rule: Pick<LogLevelRule, 'scope' | 'name'>): boolean {
    const found = this.rules.delete(keyOf(rule))
    if (found) this.announce()
    return found
  }

  /** May any line of this level be written? For those who would put much together for one. */
  reaches(level: LogLevel): boolean {
    return rankOf(level) >= this.lowestRank
  }

  /** May a line of this level about this be written? */
  allows(level: LogLevel, subject: LevelSubject): boolean {
    return rankOf(level) >= rankOf(this.levelOf(subject))
  }

  private levelOf(subject: LevelSubject): LogLevel {
    if (this.rules.size === 0) return this.base
    const nowMs = this.clock.nowMs()
    for (const scope of LEVEL_SCOPES) {
      const rule = this.rules.get(keyOf({ scope, name: nameOf(subject, scope) }))
      if (rule && rule.untilMs > nowMs) return rule.level
    }
    return this.base
  }

  private get lowest(): LogLevel {
    return [...this.rules.values()].reduce((lowest, { level }) => (rankOf(level) < rankOf(lowest) ? level : lowest), this.base)
  }

  private announce(): void {
    this.schedule()
    const { lowest } = this
    this.lowestRank = rankOf(lowest)
    for (const listener of this.listeners) listener(lowest)
  }

  private schedule(): void {
    clearTimeout(this.timer)
    const next = Math.min(...[...this.rules.values()].map(({ untilMs }) => untilMs))
    if (next === Infinity) return
    const leftMs = Math.min(MAX_TIMER_MS, Math.max(0, next - this.clock.nowMs()))
    this.timer = setTimeout(() => this.expire(), leftMs).unref()
  }

  private expire(): void {
    const nowMs = this.clock.nowMs()
    const over = [...this.rules].filter(([, { untilMs }]) => untilMs <= nowMs)
    for (const [key] of over) this.rules.delete(key)
    if (over.length > 0) this.announce()
    else this.schedule()
  }
}

function keyOf({ scope, name }: Pick<LogLevelRule, 'scope' | 'name'>): string {
  return `${scope} ${name}`
}

function nameOf({ module, taskType, taskId }: LevelSubject, scope: LevelScope): string {
  switch (scope) {
    case 'all':
      return ''
    case 'module':
      return module ?? ''
    case 'task_type':
      return taskType ?? ''
    case 'task_id':
      return taskId ?? ''
  }
}

function rankOf(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level)
}
