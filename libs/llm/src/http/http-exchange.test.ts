import { describe, expect, it, vi } from 'vitest'
import { SystemClock } from '#libs/kernel'
import { AbortWatch } from './abort.watch.js'
import { ConnectionPool } from './connection.pool.js'
import { DeadlineWatch } from './deadline.watch.js'
import type { ExchangeOutcome } from './exchange.js'
import type { HttpConnection, RequestHandler } from './http.connection.js'
import { HttpExchange } from './http-exchange.js'

/** The exchange as its connection sees it. */
class FakeConnection {
  handler!: RequestHandler
  readonly destroy = vi.fn<() => void>()

  send(_request: unknown, handler: RequestHandler): void {
    this.handler = handler
  }

  fail(code: string, { first = true } = {}): void {
    this.handler.failed(Object.assign(new Error(code), { code }), { first })
  }
}

function setUp(): { connection: FakeConnection; outcome: Promise<ExchangeOutcome>; made: FakeConnection[] } {
  const made: FakeConnection[] = []
  const pool = new ConnectionPool(1, () => {
    const connection = new FakeConnection()
    made.push(connection)
    return connection as unknown as HttpConnection
  })
  const context = {
    pool,
    watch: new DeadlineWatch(new SystemClock()),
    aborts: new AbortWatch(),
    limits: { firstByteTimeoutMs: 1_000, idleTimeoutMs: 1_000, callTimeoutMs: 1_000, maxAnswerBytes: 1_000 },
    endpoint: { name: 'GigaChat', settingsPrefix: 'GIGACHAT' },
  }
  const outcome = new HttpExchange({ method: 'POST', path: '/', headers: [] }, context, undefined, undefined).run()
  return { connection: made[0]!, outcome, made }
}

describe(HttpExchange.name, () => {
  it('is not written when the server refuses our certificate after TLS 1.3 has let us write', async () => {
    const { connection, outcome } = setUp()
    connection.handler.writing()
    connection.fail('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
    expect(await outcome).toMatchObject({
      kind: 'not_written',
      error: { code: 'llm_tls', message: expect.stringContaining('GIGACHAT_CERT_FILE') },
    })
  })

  it('is broken when the same comes on a connection on which the server has answered before', async () => {
    const { connection, outcome } = setUp()
    connection.handler.writing()
    connection.fail('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', { first: false })
    expect(await outcome).toMatchObject({ kind: 'broken', error: { code: 'llm_tls' } })
  })

  it('is broken when TLS itself fails under a written request', async () => {
    const { connection, outcome } = setUp()
    connection.handler.writing()
    connection.fail('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC')
    expect(await outcome).toMatchObject({ kind: 'broken', error: { code: 'llm_tls' } })
  })

  it('gives up a connection that could not be opened, and keeps one that was written to', async () => {
    const unopened = setUp()
    unopened.connection.fail('ECONNREFUSED')
    expect(await unopened.outcome).toMatchObject({ kind: 'not_written' })
    expect(unopened.connection.destroy).toHaveBeenCalled()
    const written = setUp()
    written.connection.handler.writing()
    written.connection.fail('ECONNRESET')
    await written.outcome
    expect(written.connection.destroy).not.toHaveBeenCalled()
  })

  it('ignores what comes after its end, and informational responses before the real one', async () => {
    const { connection, outcome } = setUp()
    const { handler } = connection
    handler.writing()
    handler.head(103, { link: 'x' })
    handler.head(200, { 'content-type': 'a' })
    handler.data(Buffer.from('{}'))
    handler.ended()
    handler.data(Buffer.from('more'))
    connection.fail('ECONNRESET')
    expect(await outcome).toMatchObject({
      kind: 'complete',
      response: { status: 200, headers: { 'content-type': 'a' }, body: Buffer.from('{}') },
    })
  })
})
