import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { httpResponse, ScriptedServer, type Script } from '../testing/scripted.server.js'
import type { HttpRequest } from './exchange.js'
import { HttpConnection, type RequestHandler } from './http.connection.js'

const POST: HttpRequest = { method: 'POST', path: '/chat', headers: ['x-request-id', '1'], body: '{"a":"я"}' }

async function setUp(script: Script) {
  const server = await ScriptedServer.start(script, onTestFinished)
  const { hostname, port, host } = new URL(server.url)
  const connection = new HttpConnection(host, (callback) => {
    const socket = connect(Number(port), hostname, () => callback(null, socket))
    socket.on('error', (error) => callback(error, null))
  })
  onTestFinished(() => connection.destroy())
  return { server, connection }
}

interface Sent {
  readonly outcome: Promise<string>
  readonly written: () => boolean
}

/** The body of the response, or the code of the failure. */
function send(connection: HttpConnection, request: HttpRequest = POST, onData: () => void = () => {}): Sent {
  let isWritten = false
  const outcome = new Promise<string>((resolve) => {
    let body = ''
    const handler: RequestHandler = {
      writing: () => (isWritten = true),
      head: () => {},
      data: (chunk) => {
        body += chunk.toString()
        onData()
      },
      ended: () => resolve(body),
      failed: (error) => resolve(`failed: ${(error as { code?: string }).code}`),
    }
    connection.send(request, handler)
  })
  return { outcome, written: () => isWritten }
}

const answer: Script = (socket, _request, number) => void socket.write(httpResponse(200, `answer ${number}`))

describe(HttpConnection.name, () => {
  afterEach(() => void vi.restoreAllMocks())

  it('writes the request with its length in bytes', async () => {
    const { server, connection } = await setUp(answer)
    expect(await send(connection).outcome).toBe('answer 1')
    const [request] = server.requests
    expect(request).toEqual({
      head: `POST /chat HTTP/1.1\r\nhost: ${new URL(server.url).host}\r\nconnection: keep-alive\r\nx-request-id: 1\r\ncontent-length: 10`,
      body: POST.body,
    })
  })

  it('writes nothing where its user refuses in the last moment', async () => {
    const { server, connection } = await setUp(answer)
    const outcome = await new Promise<string>((resolve) => {
      const failed = (error: Error) => resolve(`failed: ${(error as { code?: string }).code}`)
      connection.send(POST, {
        writing: () => false,
        head: vi.fn<() => void>(),
        data: vi.fn<() => void>(),
        ended: vi.fn<() => void>(),
        failed,
      })
    })
    expect(outcome).toMatch(/^failed: /)
    expect(server.requests).toEqual([])
  })

  it('writes a body of bytes, and none where there is none', async () => {
    const { server, connection } = await setUp(answer)
    await send(connection, { ...POST, body: Buffer.from('bytes') }).outcome
    await send(connection, { method: 'GET', path: '/models', headers: [] }).outcome
    expect(server.requests[0]).toMatchObject({ head: expect.stringMatching(/content-length: 5$/), body: 'bytes' })
    expect(server.requests[1]).toMatchObject({ head: expect.stringMatching(/^GET \/models HTTP\/1\.1\r\n(?!.*content-length)/s), body: '' })
  })

  it.each([
    ['is silent about it', '', 4_000],
    ['announces 15 s', 'keep-alive: timeout=15\r\n', 10_000],
    ['announces 3 s', 'keep-alive: timeout=3, max=100\r\n', 2_000],
    ['announces less than the margin', 'keep-alive: timeout=1\r\n', 0],
  ])('does not write to a connection that has been idle for as long as a server waits that %s', async (_, header, idleMs) => {
    const { server, connection } = await setUp((socket) => void socket.write(`HTTP/1.1 200 OK\r\n${header}content-length: 1\r\n\r\nx`))
    const now = vi.spyOn(performance, 'now').mockReturnValue(1_000)
    await send(connection).outcome
    now.mockReturnValue(1_000 + idleMs)
    await send(connection).outcome
    expect(server.connections).toBe(1)
    now.mockReturnValue(1_000 + 2 * idleMs + 1)
    expect(await send(connection).outcome).toBe('x')
    expect(server.connections).toBe(2)
  })

  it('takes no bytes that came before the request for its response', async () => {
    const sockets: Socket[] = []
    const { server, connection } = await setUp((socket, _request, number) => {
      sockets.push(socket)
      socket.write(httpResponse(200, `answer ${number}`))
    })
    await send(connection).outcome
    sockets[0]!.write(httpResponse(200, 'for nobody'))
    await server.until(({ sockets: open }) => open.size === 0)
    expect(await send(connection).outcome).toBe('answer 2')
    expect(server.connections).toBe(2)
  })

  it('writes on a new socket when the old one turns out to be closed before anything was written', async () => {
    const sockets: Socket[] = []
    const { server, connection } = await setUp((socket, _request, number) => {
      sockets.push(socket)
      socket.write(httpResponse(200, `answer ${number}`))
    })
    await send(connection).outcome
    // The close is in our kernel, but not read yet, when the next request comes.
    await new Promise<void>((resolve) => sockets[0]!.end(resolve))
    const until = performance.now() + 120
    while (performance.now() < until) continue
    expect(await send(connection).outcome).toBe('answer 2')
    expect([server.connections, server.requests.length]).toEqual([2, 2])
  })

  it('is free for another request from inside the end of the last one', async () => {
    const { server, connection } = await setUp(answer)
    const second = Promise.withResolvers<string>()
    connection.send(POST, {
      writing: () => true,
      head: () => {},
      data: () => {},
      failed: (error) => second.reject(error),
      ended: () => void send(connection).outcome.then(second.resolve, second.reject),
    })
    expect(await second.promise).toBe('answer 2')
    expect(server.connections).toBe(1)
  })

  it('says whether a failure comes before the first response of its socket', async () => {
    const { connection } = await setUp((socket, _request, number) => {
      if (number === 2 || number === 3) socket.resetAndDestroy()
      else socket.write(httpResponse(200, '{}'))
    })
    const firsts: boolean[] = []
    for (let count = 0; count < 3; count++) {
      await new Promise<void>((resolve) => {
        connection.send(POST, {
          writing: () => true,
          head: () => {},
          data: () => {},
          ended: resolve,
          failed: (_error, { first }) => {
            firsts.push(first)
            resolve()
          },
        })
      })
    }
    expect(firsts).toEqual([false, true])
  })

  it('tells nothing more of a response after an abort inside of it', async () => {
    const { server, connection } = await setUp(answer)
    const { outcome } = send(connection, POST, () => connection.abort(Object.assign(new Error('enough'), { code: 'ENOUGH' })))
    expect(await outcome).toBe('failed: ENOUGH')
    expect(await send(connection).outcome).toBe('answer 2')
    expect(server.connections).toBe(2)
  })

  it('closes the socket that opens after it was destroyed, and writes nothing to it', async () => {
    const { server, connection } = await setUp(answer)
    const { outcome, written } = send(connection)
    connection.destroy()
    expect(await outcome).toBe('failed: shutdown')
    expect(written()).toBe(false)
    await server.until(({ connections, sockets }) => connections === 1 && sockets.size === 0)
    expect(server.requests).toHaveLength(0)
    expect(await send(connection).outcome).toBe('failed: shutdown')
  })

  it.each([
    ['a line end in a value', ['x', 'a\r\nb: c']],
    ['a line end in a name', ['x\n', 'a']],
    ['a letter outside of ASCII', ['x', 'я']],
  ])('refuses a header with %s', async (_, headers) => {
    const { server, connection } = await setUp(answer)
    const { outcome, written } = send(connection, { ...POST, headers })
    expect(await outcome).toBe('failed: internal')
    expect(written()).toBe(false)
    expect(server.requests).toHaveLength(0)
  })
})
