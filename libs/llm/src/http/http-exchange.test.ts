import { Client, type Dispatcher } from 'undici'
import { describe, expect, it, vi } from 'vitest'
import { SystemClock } from '#libs/kernel'
import { ConnectionPool } from './connection.pool.js'
import { DeadlineWatch } from './deadline.watch.js'
import type { ExchangeOutcome } from './exchange.js'
import { HttpExchange } from './http-exchange.js'

/** The exchange as undici sees it, without undici. */
class FakeConnection {
  handler!: Dispatcher.DispatchHandler
  readonly aborted: unknown[] = []
  readonly destroy = vi.fn<() => Promise<void>>(async () => undefined)

  dispatch(_options: unknown, handler: Dispatcher.DispatchHandler): boolean {
    this.handler = handler
    return true
  }

  start(): void {
    const controller = { abort: (reason: unknown) => void this.aborted.push(reason) }
    this.handler.onRequestStart?.(controller as unknown as Dispatcher.DispatchController, {})
  }

  fail(code: string): void {
    this.handler.onResponseError?.({} as Dispatcher.DispatchController, Object.assign(new Error(code), { code }))
  }
}

function setUp(): { connection: FakeConnection; outcome: Promise<ExchangeOutcome>; made: FakeConnection[] } {
  const made: FakeConnection[] = []
  const pool = new ConnectionPool(1, () => {
    const connection = new FakeConnection()
    made.push(connection)
    return connection as unknown as Client
  })
  const context = {
    pool,
    watch: new DeadlineWatch(new SystemClock()),
    limits: { firstByteTimeoutMs: 1_000, idleTimeoutMs: 1_000, callTimeoutMs: 1_000, maxAnswerBytes: 1_000 },
    endpoint: { name: 'GigaChat', settingsPrefix: 'GIGACHAT' },
  }
  const outcome = new HttpExchange({ method: 'POST', path: '/', headers: [] }, context, undefined, undefined).run()
  return { connection: made[0]!, outcome, made }
}

describe(HttpExchange.name, () => {
  it('refuses to be written a second time when undici puts it back into its queue', async () => {
    const { connection, outcome } = setUp()
    connection.start()
    expect(connection.aborted).toHaveLength(0)
    connection.start()
    expect(connection.aborted).toMatchObject([{ code: 'llm_connection_lost' }])
    connection.fail('UND_ERR_ABORTED')
    expect(await outcome).toMatchObject({ kind: 'broken', error: { code: 'llm_connection_lost' }, response: undefined })
  })

  it('is not written when the server refuses our certificate after TLS 1.3 has let us write', async () => {
    const { connection, outcome } = setUp()
    connection.start()
    connection.fail('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
    expect(await outcome).toMatchObject({
      kind: 'not_written',
      error: { code: 'llm_tls', message: expect.stringContaining('GIGACHAT_CERT_FILE') },
    })
  })

  it('is broken when TLS itself fails under a written request', async () => {
    const { connection, outcome } = setUp()
    connection.start()
    connection.fail('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC')
    expect(await outcome).toMatchObject({ kind: 'broken', error: { code: 'llm_tls' } })
  })

  it('gives up a connection that could not be opened, and keeps one that was written to', async () => {
    const unopened = setUp()
    unopened.connection.fail('ECONNREFUSED')
    expect(await unopened.outcome).toMatchObject({ kind: 'not_written' })
    expect(unopened.connection.destroy).toHaveBeenCalled()
    const written = setUp()
    written.connection.start()
    written.connection.fail('ECONNRESET')
    await written.outcome
    expect(written.connection.destroy).not.toHaveBeenCalled()
  })

  it('ignores what comes after its end, and informational responses before the real one', async () => {
    const { connection, outcome } = setUp()
    connection.start()
    const { handler } = connection
    const controller = {} as Dispatcher.DispatchController
    handler.onResponseStart?.(controller, 103, {})
    handler.onResponseStart?.(controller, 200, { 'set-cookie': ['a', 'b'], missing: undefined })
    handler.onResponseEnd?.(controller, {})
    connection.fail('ECONNRESET')
    expect(await outcome).toMatchObject({
      kind: 'complete',
      response: { status: 200, headers: { 'set-cookie': 'a, b' }, body: Buffer.alloc(0) },
    })
  })
})
