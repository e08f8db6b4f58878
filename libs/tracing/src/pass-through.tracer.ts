import { Injectable } from '@nestjs/common'
import { Tracer, type Span } from './tracer.js'
import type { TraceIds } from './trace-ids.js'

/**
 * Records nothing. A trace that comes in goes out as it was; work without one gets the root of a new trace, so that its log lines and
 * its result can be found together.
 */
@Injectable()
export class PassThroughTracer extends Tracer {
  readonly records = false

  constructor(private readonly ids: TraceIds) {
    super()
  }

  startDispatch(parent: string | null): Span {
    return this.makeSpan(parent)
  }

  startDelivery(parent: string | null): Span {
    return this.makeSpan(parent)
  }

  private makeSpan(parent: string | null): Span {
    return { traceparent: parent ?? this.ids.makeTraceParent(), run: doNow, end: ignore }
  }
}

function doNow<T>(work: () => T): T {
  return work()
}

function ignore(): void {
  // Nothing is recorded.
}
