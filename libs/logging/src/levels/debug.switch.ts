import { Logger } from '@nestjs/common'
import type { Clock } from '#libs/kernel'
import { LogLevels } from './log-levels.js'

const MINUTES = 15
const EVERYTHING = { scope: 'all', name: '' } as const

/** What a signal does: everything at debug for a quarter of an hour, and with the next signal back. */
export class DebugSwitch {
  private readonly logger = new Logger(DebugSwitch.name)

  constructor(
    private readonly levels: LogLevels,
    private readonly clock: Clock,
  ) {}

  toggle(): void {
    if (this.levels.clear(EVERYTHING)) {
      this.logger.warn('the log level is back', { to: this.levels.base })
      return
    }
    this.levels.set({ ...EVERYTHING, level: 'debug', untilMs: this.clock.nowMs() + MINUTES * 60_000 })
    this.logger.warn('everything is logged at debug for a while', { minutes: MINUTES })
  }
}
