import { Injectable } from '@nestjs/common'
import { PipelineStep, type PipelineContext } from '#libs/kernel'
import { Tracer, type Span } from './tracer.js'
import { isTraceParent } from './traceparent.js'

/** Gives every dispatch its place in a trace: after it, `traceparent` of the pipeline context is always valid. */
@Injectable()
export class TraceInterceptor extends PipelineStep {
  constructor(private readonly tracer: Tracer) {
    super()
  }

  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    const span = this.tracer.startDispatch(isTraceParent(context.traceparent) ? context.traceparent : null, context)
    context.traceparent = span.traceparent
    return this.tracer.records ? follow(span, next) : next()
  }
}

async function follow(span: Span, next: () => Promise<unknown>): Promise<unknown> {
  try {
    const value = await span.run(next)
    span.end({ ok: true, value })
    return value
  } catch (error) {
    span.end({ ok: false, error })
    throw error
  }
}
