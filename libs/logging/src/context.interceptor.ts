import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import type { Observable } from 'rxjs'
import type { PipelineContext } from '#libs/kernel'
import { LogContext } from './log-context.js'

/**
 * Runs the rest of the pipeline inside the log context of its task. Nest binds the context that is current when `handle()` is called,
 * so the work may be subscribed to later and elsewhere.
 */
@Injectable()
export class ContextInterceptor implements NestInterceptor {
  constructor(private readonly logContext: LogContext) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.logContext.runPipeline(execution.switchToRpc().getContext<PipelineContext>(), () => next.handle())
  }
}
