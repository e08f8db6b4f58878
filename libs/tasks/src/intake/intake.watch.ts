import { Injectable } from '@nestjs/common'
import type { Delivery } from '#libs/kernel'
import { Tracer, type Span } from '#libs/tracing'
import { TaskEvents, type TakenDelivery } from '../metrics/task.events.js'

/** Follows deliveries into the ledger, for traces and metrics. */
@Injectable()
export class IntakeWatch {
  constructor(
    private readonly tracer: Tracer,
    private readonly events: TaskEvents,
  ) {}

  /** Does the work as a span below `parent`; the work gets the place in the trace that the task goes on from. */
  follow<T>(delivery: Delivery, parent: string | null, work: (traceparent: string) => Promise<T>): Promise<T> {
    const span = this.tracer.startDelivery(parent, delivery)
    return this.tracer.records ? followInSpan(span, work) : work(span.traceparent)
  }

  tell(taken: TakenDelivery): void {
    this.events.emit('taken', taken)
  }
}

async function followInSpan<T>(span: Span, work: (traceparent: string) => Promise<T>): Promise<T> {
  try {
    const value = await span.run(() => work(span.traceparent))
    span.end({ ok: true, value })
    return value
  } catch (error) {
    span.end({ ok: false, error })
    throw error
  }
}
