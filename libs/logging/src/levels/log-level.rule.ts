import type { LogLevel } from '../logging.settings.js'

/** From the most special to the most general: the first that a line fits decides. */
export const LEVEL_SCOPES = ['task_id', 'task_type', 'module', 'all'] as const
export type LevelScope = (typeof LEVEL_SCOPES)[number]

/** Another level than that of LOG_LEVEL, for some lines and for a while. */
export interface LogLevelRule {
  readonly scope: LevelScope
  /** A task id, task type or module (the field `context` of a line); '' for `all`. */
  readonly name: string
  readonly level: LogLevel
  /** Milliseconds since 1970. */
  readonly untilMs: number
}

/** What of a line decides about its level. */
export interface LevelSubject {
  readonly module?: string | undefined
  readonly taskType?: string | undefined
  readonly taskId?: string | undefined
}
