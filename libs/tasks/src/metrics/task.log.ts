import { Injectable, Logger } from '@nestjs/common'
import { LogContext, LogLevels } from '#libs/logging'
import { TaskEvents, type SettledDispatch } from './task.events.js'

/** What became of each dispatch, for those who have asked for debug lines of a task, a type or all. */
@Injectable()
export class TaskLog {
  private readonly logger = new Logger(TaskLog.name)

  constructor(
    events: TaskEvents,
    private readonly context: LogContext,
    levels: LogLevels,
  ) {
    events.on('taken', (delivery) => {
      if (levels.reaches('debug')) this.logger.debug('a record is in the ledger', delivery)
    })
    events.on('settled', (dispatch) => {
      if (levels.reaches('debug')) this.context.runPipeline(dispatch.context, () => this.tell(dispatch))
    })
  }

  private tell({ context, outcome, code, deferralClass }: SettledDispatch): void {
    const steps = Object.fromEntries(Object.entries(context.stepTimes).map(([step, ms]) => [step, Math.round(ms)]))
    this.logger.debug('a dispatch has ended', {
      outcome,
      code,
      waits_for: deferralClass,
      waited_ms: Math.round(context.task.waitedMs),
      steps_ms: steps,
    })
  }
}
