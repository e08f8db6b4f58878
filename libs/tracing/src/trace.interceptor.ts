import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import { tap, type Observable } from 'rxjs'
import type { PipelineContext } from '#libs/kernel'
import { Tracer } from './tracer.js'
import { isTraceParent } from './traceparent.js'

/** Gives every dispatch its place in a trace: after it, `traceparent` of the pipeline context is always valid. */
@Injectable()
export class TraceInterceptor implements NestInterceptor {
  constructor(private readonly tracer: Tracer) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context = execution.switchToRpc().getContext<PipelineContext>()
    const span = this.tracer.startSpan(isTraceParent(context.traceparent) ? context.traceparent : null, context)
    context.traceparent = span.traceparent
    if (!this.tracer.records) return next.handle()
    return next.handle().pipe(
      tap({
        complete: () => span.end({ ok: true }),
        error: (error: unknown) => span.end({ ok: false, error }),
      }),
    )
  }
}
