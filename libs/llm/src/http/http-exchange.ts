import { classifyError, type TaskError } from '#libs/kernel'
import type { Abortable, AbortWatch } from './abort.watch.js'
import type { DeadlineWatch, Expiring } from './deadline.watch.js'
import type { ConnectionPool, ConnectionUser } from './connection.pool.js'
import type { HttpConnection, RequestHandler } from './http.connection.js'
import type { Endpoint, ExchangeLimits, ExchangeOutcome, HttpRequest, HttpResponse, ResponseObserver } from './exchange.js'
import { ResponseBuffer } from './response.buffer.js'
import { describeAbort, isCertificateRefusal, shutdownError, timeoutError, transportError } from './transport-errors.js'

/** How long a connection may take to end a response whose content is already complete. */
const END_GRACE_MS = 1_000

/** What all exchanges with one server share. */
export interface ExchangeContext {
  readonly pool: ConnectionPool
  readonly watch: DeadlineWatch
  readonly aborts: AbortWatch
  readonly limits: ExchangeLimits
  readonly endpoint: Endpoint
}

/**
 * One request on one connection, and what came of it.
 *
 * waiting -> written   right before the first write to a connected socket
 * written -> answering the head of the response (statuses below 200 are skipped)
 * any     -> settled   the end of the response, an error, an abort, a limit; aborting destroys the socket
 *
 * A request that ends while waiting was never written, whatever the reason.
 */
export class HttpExchange implements RequestHandler, Expiring, Abortable, ConnectionUser {
  private mode: 'waiting' | 'written' | 'answering' | 'settled' = 'waiting'
  private readonly startedAtMs: number
  private readonly wholeDueMs: number
  dueAtMs: number
  /** Set once there is one for us. */
  private connection: HttpConnection | undefined
  /** Why we end the exchange ourselves; set before the socket is destroyed. */
  private ownReason: TaskError | undefined
  private readonly received: ResponseBuffer
  private contentComplete = false
  private firstByteMs: number | undefined
  private settle: (outcome: ExchangeOutcome) => void = () => undefined

  constructor(
    private readonly request: HttpRequest,
    private readonly context: ExchangeContext,
    private readonly signal: AbortSignal | undefined,
    private readonly observer: ResponseObserver | undefined,
  ) {
    this.received = new ResponseBuffer(context.limits.maxAnswerBytes)
    this.startedAtMs = context.watch.nowMs()
    this.wholeDueMs = this.startedAtMs + context.limits.callTimeoutMs
    this.dueAtMs = this.wholeDueMs
  }

  run(): Promise<ExchangeOutcome> {
    if (this.signal?.aborted) return Promise.resolve({ kind: 'not_written', error: describeAbort(this.signal) })
    return new Promise((resolve) => {
      this.settle = resolve
      if (this.signal) this.context.aborts.add(this.signal, this)
      this.context.watch.add(this)
      this.context.pool.acquire(this)
    })
  }

  /** No connection will come: the pool was closed. */
  closed(): void {
    this.stop(shutdownError())
  }

  connected(connection: HttpConnection): void {
    this.connection = connection
    connection.send(this.request, this)
  }

  writing(): boolean {
    try {
      this.request.checkMayWrite?.()
    } catch (error) {
      this.stop(classifyError(error))
      return false
    }
    this.mode = 'written'
    this.dueIn(this.context.limits.firstByteTimeoutMs)
    return true
  }

  head(status: number, headers: Record<string, string>): void {
    if (status < 200) return
    this.mode = 'answering'
    this.received.start(status, headers)
    if (this.refuseSize()) return
    const foreign = this.observer?.start(status, headers)
    if (foreign) this.stop(foreign)
  }

  data(chunk: Buffer): void {
    if (this.mode === 'settled') return
    this.firstByteMs ??= this.context.watch.nowMs() - this.startedAtMs
    this.received.add(chunk)
    if (this.refuseSize() || this.contentComplete) return
    this.contentComplete = this.observer?.data(chunk) === 'complete'
    this.dueIn(this.contentComplete ? END_GRACE_MS : this.context.limits.idleTimeoutMs)
  }

  ended(): void {
    this.finish({ kind: 'complete', response: this.response() })
  }

  failed(error: Error, { first }: { readonly first: boolean }): void {
    const { mode, received, contentComplete } = this
    if (mode === 'settled') return
    const failure = this.ownReason ?? transportError(error, this.context.endpoint)
    if (received.tooLarge) this.finish({ kind: 'too_large', sizeBytes: received.sizeBytes })
    else if (contentComplete) this.finish({ kind: 'complete', response: this.response() })
    else if (mode === 'answering') this.finish({ kind: 'broken', error: failure, response: this.response() })
    else if (mode === 'waiting' || (first && this.ownReason === undefined && isCertificateRefusal(error)))
      this.finish({ kind: 'not_written', error: failure })
    else this.finish({ kind: 'broken', error: failure, response: undefined })
  }

  aborted(signal: AbortSignal): void {
    this.stop(describeAbort(signal))
  }

  expire(): void {
    const { watch, limits, endpoint } = this.context
    const begun = this.received.sizeBytes > 0 ? 'idle' : 'first_byte'
    this.stop(timeoutError(watch.nowMs() >= this.wholeDueMs ? 'whole' : begun, limits, endpoint))
  }

  private stop(reason: TaskError): void {
    if (this.mode === 'settled') return
    this.ownReason = reason
    if (this.mode === 'waiting') this.finish({ kind: 'not_written', error: reason })
    else this.connection!.abort(reason)
  }

  private refuseSize(): boolean {
    if (!this.received.tooLarge) return false
    this.connection!.abort(new Error('the answer is too large'))
    return true
  }

  private dueIn(timeoutMs: number): void {
    this.dueAtMs = Math.min(this.context.watch.nowMs() + timeoutMs, this.wholeDueMs)
  }

  private response(): HttpResponse {
    return this.received.response(this.context.watch.nowMs() - this.startedAtMs, this.firstByteMs)
  }

  private finish(outcome: ExchangeOutcome): void {
    const { mode, connection } = this
    if (mode === 'settled') return
    this.mode = 'settled'
    const { watch, aborts, pool } = this.context
    watch.remove(this)
    if (this.signal) aborts.remove(this.signal, this)
    if (!connection) pool.leave(this)
    else if (mode === 'waiting') pool.discard(connection)
    else pool.release(connection)
    this.settle(outcome)
  }
}
