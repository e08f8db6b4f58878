import { Logger } from '@nestjs/common'
import { CallObserver, type CallReport } from '#libs/kernel'
import type { LlmMeter } from './llm.meter.js'
import type { LlmSpans } from './llm.spans.js'

/** Metrics and spans of calls. A defect in them is logged, and costs no task. */
export class MeteredCallObserver extends CallObserver {
  private readonly logger = new Logger(MeteredCallObserver.name)

  constructor(
    private readonly meter: LlmMeter,
    private readonly spans: LlmSpans,
  ) {
    super()
  }

  observe(report: CallReport): void {
    try {
      this.meter.count(report)
      this.spans.record(report)
    } catch (error) {
      this.logger.error('a call could not be measured', { error })
    }
  }
}
