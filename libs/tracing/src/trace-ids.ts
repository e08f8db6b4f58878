import { randomFillSync } from 'node:crypto'
import { formatTraceParent } from './traceparent.js'

const TRACE_ID_BYTES = 16
const SPAN_ID_BYTES = 8
const POOL_BYTES = 6_144
const ZERO_TRACE_ID = '0'.repeat(2 * TRACE_ID_BYTES)
const ZERO_SPAN_ID = '0'.repeat(2 * SPAN_ID_BYTES)

/** Random trace and span ids, cut from a pool: one call into the random generator for hundreds of ids. */
export class TraceIds {
  private readonly pool = Buffer.alloc(POOL_BYTES)
  private used = POOL_BYTES

  constructor(private readonly fill: (pool: Buffer) => unknown = randomFillSync) {}

  /** The root of a new trace. Not sampled: nobody has asked for it to be recorded. */
  makeTraceParent(): string {
    return formatTraceParent({ traceId: this.makeTraceId(), spanId: this.makeSpanId(), sampled: false })
  }

  makeTraceId(): string {
    const id = this.take(TRACE_ID_BYTES)
    return id === ZERO_TRACE_ID ? this.makeTraceId() : id
  }

  makeSpanId(): string {
    const id = this.take(SPAN_ID_BYTES)
    return id === ZERO_SPAN_ID ? this.makeSpanId() : id
  }

  private take(bytes: number): string {
    if (this.used + bytes > POOL_BYTES) {
      this.fill(this.pool)
      this.used = 0
    }
    const start = this.used
    this.used += bytes
    return this.pool.toString('hex', start, this.used)
  }
}
