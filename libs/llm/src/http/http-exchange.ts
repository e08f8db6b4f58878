import type { Dispatcher } from 'undici'
import { TaskError } from '#libs/kernel'
import type { DeadlineWatch, Expiring } from './deadline.watch.js'
import type { Endpoint, ExchangeLimits, ExchangeOutcome, HttpRequest, HttpResponse, ResponseObserver } from './exchange.js'
import { describeAbort, timeoutError, transportError } from './transport-errors.js'

/** How long a connection may take to end a response whose content is already complete. */
const END_GRACE_MS = 1_000
const NO_BODY = Buffer.alloc(0)

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
export class HttpExchange implements Dispatcher.DispatchHandler, Expiring {
  private mode: 'waiting' | 'written' | 'answering' | 'settled' = 'waiting'
  private controller: Dispatcher.DispatchController | undefined
  private readonly startedAtMs: number
  private readonly wholeDueMs: number
  dueAtMs: number
  /** Why we end the exchange ourselves; set before the socket is destroyed. */
  private ownReason: TaskError | undefined
  private status = 0
  private headers: Record<string, string> = {}
  private readonly chunks: Buffer[] = []
  private sizeBytes = 0
  private contentComplete = false
  private settle: (outcome: ExchangeOutcome) => void = () => undefined

  constructor(
    private readonly watch: DeadlineWatch,
    private readonly limits: ExchangeLimits,
    private readonly endpoint: Endpoint,
    private readonly signal: AbortSignal | undefined,
    private readonly observer: ResponseObserver | undefined,
  ) {
    this.startedAtMs = watch.nowMs()
    this.wholeDueMs = this.startedAtMs + limits.callTimeoutMs
    this.dueAtMs = this.wholeDueMs
  }

  run(dispatcher: Dispatcher, request: HttpRequest): Promise<ExchangeOutcome> {
    if (this.signal?.aborted) return Promise.resolve({ kind: 'not_written', error: describeAbort(this.signal) })
    return new Promise((resolve) => {
      this.settle = resolve
      this.signal?.addEventListener('abort', this)
      this.watch.add(this)
      dispatcher.dispatch(request, this)
    })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.mode !== 'waiting') {
      controller.abort(
        this.ownReason ?? new TaskError('llm_connection_lost', 'the connection closed under a written request', { retryable: true }),
      )
      return
    }
    this.mode = 'written'
    this.controller = controller
    this.dueIn(this.limits.firstByteTimeoutMs)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.mode = 'answering'
    this.status = status
    this.headers = flattenHeaders(headers)
    this.dueIn(this.limits.idleTimeoutMs)
    const announced = Number(this.headers['content-length'])
    if (announced > this.limits.maxAnswerBytes) this.refuseSize(announced)
    else this.observer?.start(status, this.headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.sizeBytes += chunk.length
    if (this.sizeBytes > this.limits.maxAnswerBytes) {
      this.refuseSize(this.sizeBytes)
      return
    }
    this.chunks.push(chunk)
    if (this.contentComplete) return
    this.contentComplete = this.observer?.data(chunk) === 'complete'
    this.dueIn(this.contentComplete ? END_GRACE_MS : this.limits.idleTimeoutMs)
  }

  onResponseEnd(): void {
    this.finish({ kind: 'complete', response: this.response() })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.mode === 'settled') return
    if (this.contentComplete) {
      this.finish({ kind: 'complete', response: this.response() })
      return
    }
    const failure = this.ownReason ?? transportError(error, this.endpoint)
    // A TLS alert before the first byte of a response means that the server has not let the request in: TLS 1.3 clients write before
    // the server has judged their certificate (RFC 8446, 4.4.2.4).
    const refusedByTls = this.mode === 'written' && failure.code === 'llm_tls'
    if (this.mode === 'waiting' || refusedByTls) this.finish({ kind: 'not_written', error: failure })
    else this.finish({ kind: 'broken', error: failure, response: this.mode === 'answering' ? this.response() : undefined })
  }

  /** The abort signal. Registered as an object, which saves a closure per call. */
  handleEvent(): void {
    if (this.signal) this.stop(describeAbort(this.signal))
  }

  expire(): void {
    const phase = this.watch.nowMs() >= this.wholeDueMs ? 'whole' : this.mode
    this.stop(timeoutError(phase, this.limits, this.endpoint))
  }

  private stop(reason: TaskError): void {
    if (this.mode === 'settled') return
    this.ownReason = reason
    if (this.controller) this.controller.abort(reason)
    else this.finish({ kind: 'not_written', error: reason })
  }

  private refuseSize(sizeBytes: number): void {
    this.finish({ kind: 'too_large', sizeBytes })
    this.controller?.abort(new Error('the answer is too large'))
  }

  private dueIn(timeoutMs: number): void {
    this.dueAtMs = Math.min(this.watch.nowMs() + timeoutMs, this.wholeDueMs)
  }

  private response(): HttpResponse {
    const body =
      this.chunks.length === 1 ? this.chunks[0]! : this.chunks.length === 0 ? NO_BODY : Buffer.concat(this.chunks, this.sizeBytes)
    return { status: this.status, headers: this.headers, body, durationMs: Math.round(this.watch.nowMs() - this.startedAtMs) }
  }

  private finish(outcome: ExchangeOutcome): void {
    if (this.mode === 'settled') return
    this.mode = 'settled'
    this.watch.remove(this)
    this.signal?.removeEventListener('abort', this)
    this.settle(outcome)
  }
}

function flattenHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return flat
}
