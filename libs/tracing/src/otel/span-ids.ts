import { hash } from 'node:crypto'
import type { IdGenerator } from '@opentelemetry/sdk-trace'
import type { TraceIds } from '../trace-ids.js'

const SPAN_ID_DIGITS = 16

/** Random ids, but for spans whose id is known before: those of dispatches, so that a later dispatch can point at an earlier one. */
export class SpanIds implements IdGenerator {
  private next: string | undefined

  constructor(private readonly ids: TraceIds) {}

  generateTraceId(): string {
    return this.ids.makeTraceId()
  }

  generateSpanId(): string {
    const id = this.next ?? this.ids.makeSpanId()
    this.next = undefined
    return id
  }

  /** The next span that is started has this id. To be called right before. */
  give(id: string): void {
    this.next = id
  }
}

/**
 * Of the dispatch of a task by its n-th claim: the same on every replica, without anything that would have to be stored, so that also what
 * a worker has left behind that was killed can be pointed at.
 */
export function makeDispatchSpanId(traceId: string, taskNumber: number, claim: number): string {
  return hash('sha256', `${traceId} ${taskNumber} ${claim}`, 'hex').slice(0, SPAN_ID_DIGITS)
}
