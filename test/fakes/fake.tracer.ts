import { Tracer, type Span, type SpanEnd } from '#libs/tracing'

/** Of work that has no trace of its own. */
export const NEW_TRACE = '00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01'

/** Says yes to everything and keeps how spans ended; all of them have one place. */
export class FakeTracer extends Tracer {
  readonly parents: (string | null)[] = []
  readonly ends: SpanEnd[] = []

  constructor(readonly records = true) {
    super()
  }

  startDispatch(parent: string | null): Span {
    return this.start(parent)
  }

  startDelivery(parent: string | null): Span {
    return this.start(parent)
  }

  private start(parent: string | null): Span {
    this.parents.push(parent)
    return { traceparent: parent ?? NEW_TRACE, run: (work) => work(), end: (end) => this.ends.push(end) }
  }
}
