import { Injectable } from '@nestjs/common'
import { PipelineStep, type PipelineContext } from '#libs/kernel'
import { LogContext } from './log-context.js'

/** Runs the rest of the pipeline inside the log context of its task. */
@Injectable()
export class ContextInterceptor extends PipelineStep {
  constructor(private readonly logContext: LogContext) {
    super()
  }

  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    return this.logContext.runPipeline(context, next)
  }
}
