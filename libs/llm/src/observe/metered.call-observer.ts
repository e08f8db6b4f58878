import { Logger } from '@nestjs/common'
import { CallObserver, type CallReport } from '#libs/kernel'
import type { LogLevels } from '#libs/logging'
import type { LlmMeter } from './llm.meter.js'
import type { LlmSpans } from './llm.spans.js'

/** Metrics and spans of calls. A defect in them is logged, and costs no task. */
export class MeteredCallObserver extends CallObserver {
  private readonly logger = new Logger(MeteredCallObserver.name)

  constructor(
    private readonly meter: LlmMeter,
    private readonly spans: LlmSpans,
    /** undefined: nobody wants to read what is below info. */
    private readonly levels?: LogLevels,
  ) {
    super()
  }

  observe(report: CallReport): void {
    try {
      this.meter.count(report)
      this.spans.record(report)
      if (this.levels?.reaches('debug')) this.logger.debug('a call has ended', describe(report))
    } catch (error) {
      this.logger.error('a call could not be measured', { error })
    }
  }
}

function describe({ task, attempt, result, answer, startedAtMs, endedAtMs }: CallReport): Record<string, unknown> {
  return {
    provider: task.provider,
    model: task.model,
    attempt: attempt.number,
    attempt_id: attempt.id,
    result: result.kind,
    code: result.kind === 'answered' ? undefined : result.error.code,
    duration_ms: endedAtMs - startedAtMs,
    finish_reason: answer?.finishReason,
    usage: answer?.usage,
  }
}
