import { Body, Controller, Delete, Get, Header, HttpCode, Logger, NotFoundException, Put } from '@nestjs/common'
import { AuditLog, Clock, type AuditEntry } from '#libs/kernel'
import { LogLevels, type LogLevelRule } from '#libs/logging'
import { checkChange } from '../check-change.js'
import { InvalidRequestError } from '../invalid-request.error.js'
import { AdminPolicy } from './admin-policy.decorator.js'
import { parseClearLevel, parseSetLevel } from './log-level.schema.js'

export interface ShownLogLevels {
  readonly level: string
  readonly rules: readonly { readonly scope: string; readonly name: string; readonly level: string; readonly until: string }[]
}

/**
 * Log levels of this replica, for a while. They change also while PostgreSQL is away, which may be what they are wanted for: then the log is
 * the only record of it.
 */
@Controller('log-levels')
export class LogLevelController {
  private readonly logger = new Logger(LogLevelController.name)

  constructor(
    private readonly levels: LogLevels,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @AdminPolicy('log-levels:read')
  show(): ShownLogLevels {
    const { base, all } = this.levels
    return { level: base, rules: all.map(({ untilMs, ...rule }) => ({ ...rule, until: new Date(untilMs).toISOString() })) }
  }

  @Put()
  @AdminPolicy('log-levels:write')
  async set(@Body() body: unknown): Promise<ShownLogLevels> {
    const { actor, reason, scope, name, level, minutes } = parseSetLevel(body)
    const change = checkChange({ actor, reason })
    const rule: LogLevelRule = { scope, name, level, untilMs: this.clock.nowMs() + Math.round(minutes * 60_000) }
    this.apply(rule)
    await this.record({ ...change, action: 'log_level.set', target: { scope, name }, after: { level, minutes } })
    return this.show()
  }

  @Delete()
  @HttpCode(200)
  @AdminPolicy('log-levels:write')
  async clear(@Body() body: unknown): Promise<ShownLogLevels> {
    const { actor, reason, scope, name } = parseClearLevel(body)
    const change = checkChange({ actor, reason })
    if (!this.levels.clear({ scope, name })) throw new NotFoundException(`there is no rule for ${scope} ${name}`.trim())
    await this.record({ ...change, action: 'log_level.clear', target: { scope, name } })
    return this.show()
  }

  private apply(rule: LogLevelRule): void {
    try {
      this.levels.set(rule)
    } catch (error) {
      throw error instanceof RangeError ? new InvalidRequestError(error.message) : error
    }
  }

  private async record(entry: AuditEntry): Promise<void> {
    const { actor, reason, action, target, after } = entry
    this.logger.warn('log levels were changed', { actor, reason, action, target, after })
    await this.audit
      .record(entry)
      .catch((error: unknown) => this.logger.warn('a change of log levels is not in the audit', { error, action }))
  }
}
