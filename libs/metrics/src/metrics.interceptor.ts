import { Injectable } from '@nestjs/common'
import { classifyError, PipelineStep, type PipelineContext } from '#libs/kernel'
import { readOutcome } from './measured-outcome.js'
import { PipelineMeter } from './pipeline.meter.js'

/** Measures every dispatch, by the value or the error that it ends with (MeasuredOutcome). */
@Injectable()
export class MetricsInterceptor extends PipelineStep {
  constructor(private readonly meter: PipelineMeter) {
    super()
  }

  async around({ transport, subject }: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    const meter = this.meter.of(transport, subject.type)
    const startedMs = performance.now()
    try {
      const value = await next()
      meter.record(readOutcome(value), secondsSince(startedMs))
      return value
    } catch (error) {
      meter.record({ outcome: 'error', code: classifyError(error).code }, secondsSince(startedMs))
      throw error
    }
  }
}

function secondsSince(startedMs: number): number {
  return (performance.now() - startedMs) / 1_000
}
