import type { Dispatcher } from 'undici'
import type { TaskError } from '#libs/kernel'
import type { DeadlineWatch, Expiring } from './deadline.watch.js'
import type { ConnectionPool, ConnectionUser } from './connection.pool.js'
import type { Endpoint, ExchangeLimits, ExchangeOutcome, HttpRequest, HttpResponse, ResponseObserver } from './exchange.js'
import { ResponseBuffer } from './response.buffer.js'
import { connectionLost, describeAbort, isCertificateRefusal, shutdownError, timeoutError, transportError } from './transport-errors.js'

/** How long a connection may take to end a response whose content is already complete. */
const END_GRACE_MS = 1_000

/** What all exchanges with one server share. */
export interface ExchangeContext {
  readonly pool: ConnectionPool
  readonly watch: DeadlineWatch
  readonly limits: ExchangeLimits
  readonly endpoint: Endpoint
}

/**
 * One request on one connection, as an undici handler: it trades a little bookkeeping for knowing exactly what was written and read.
 *
 * waiting -> written   onRequestStart, called right before the first write to a connected socket
 * written -> answering onResponseStart (statuses below 200 are skipped)
 * any     -> settled   the end of the response, an error, an abort, a limit; aborting destroys the socket
 *
 * A request that ends while waiting was never written, whatever the reason. undici puts a running request back into its queue when its
 * socket closes with an "informational" error; the second onRequestStart is refused here, so that nothing is ever written twice.
 */
export class HttpExchange implements Dispatcher.DispatchHandler, Expiring, ConnectionUser {
  private mode: 'waiting' | 'written' | 'answering' | 'settled' = 'waiting'
  private readonly startedAtMs: number
  private readonly wholeDueMs: number
  dueAtMs: number
  /** Set once there is one for us. */
  private connection: Dispatcher | undefined
  /** Set once the request is written. */
  private controller: Dispatcher.DispatchController | undefined
  /** Why we end the exchange ourselves; set before the socket is destroyed. */
  private ownReason: TaskError | undefined
  private readonly received: ResponseBuffer
  private contentComplete = false
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
      this.signal?.addEventListener('abort', this)
      this.context.watch.add(this)
      this.context.pool.acquire(this)
    })
  }

  /** No connection will come: the pool was closed. */
  closed(): void {
    this.stop(shutdownError())
  }

  connected(connection: Dispatcher): void {
    this.connection = connection
    connection.dispatch(this.request, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.mode !== 'waiting') {
      controller.abort(connectionLost(this.context.endpoint))
      return
    }
    this.mode = 'written'
    this.controller = controller
    this.dueIn(this.context.limits.firstByteTimeoutMs)
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return
    this.mode = 'answering'
    this.received.start(status, headers)
    if (this.refuseSize()) return
    const foreign = this.observer?.start(status, this.received.headers)
    if (foreign) this.stop(foreign)
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.received.add(chunk)
    if (this.refuseSize() || this.contentComplete) return
    this.contentComplete = this.observer?.data(chunk) === 'complete'
    this.dueIn(this.contentComplete ? END_GRACE_MS : this.context.limits.idleTimeoutMs)
  }

  onResponseEnd(): void {
    this.finish({ kind: 'complete', response: this.response() })
  }

  onResponseError(_controller: unknown, error: Error): void {
    const { mode, received, contentComplete } = this
    if (mode === 'settled') return
    const failure = this.ownReason ?? transportError(error, this.context.endpoint)
    if (received.tooLarge) this.finish({ kind: 'too_large', sizeBytes: received.sizeBytes })
    else if (contentComplete) this.finish({ kind: 'complete', response: this.response() })
    else if (mode === 'answering') this.finish({ kind: 'broken', error: failure, response: this.response() })
    else if (mode === 'waiting' || (this.ownReason === undefined && isCertificateRefusal(error)))
      this.finish({ kind: 'not_written', error: failure })
    else this.finish({ kind: 'broken', error: failure, response: undefined })
  }

  /** The abort signal. Registered as an object, which saves a closure per call. */
  handleEvent(): void {
    if (this.signal) this.stop(describeAbort(this.signal))
  }

  expire(): void {
    const { watch, limits, endpoint } = this.context
    const begun = this.received.sizeBytes > 0 ? 'idle' : 'first_byte'
    this.stop(timeoutError(watch.nowMs() >= this.wholeDueMs ? 'whole' : begun, limits, endpoint))
  }

  private stop(reason: TaskError): void {
    if (this.mode === 'settled') return
    this.ownReason = reason
    if (this.controller) this.controller.abort(reason)
    else this.finish({ kind: 'not_written', error: reason })
  }

  private refuseSize(): boolean {
    if (!this.received.tooLarge) return false
    this.controller?.abort(new Error('the answer is too large'))
    return true
  }

  private dueIn(timeoutMs: number): void {
    this.dueAtMs = Math.min(this.context.watch.nowMs() + timeoutMs, this.wholeDueMs)
  }

  private response(): HttpResponse {
    return this.received.response(this.context.watch.nowMs() - this.startedAtMs)
  }

  private finish(outcome: ExchangeOutcome): void {
    const { mode, connection } = this
    if (mode === 'settled') return
    this.mode = 'settled'
    const { watch, pool } = this.context
    watch.remove(this)
    this.signal?.removeEventListener('abort', this)
    if (!connection) pool.leave(this)
    else if (mode === 'waiting') pool.discard(connection)
    else pool.release(connection)
    this.settle(outcome)
  }
}
