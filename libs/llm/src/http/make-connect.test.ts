import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeConnect } from './make-connect.js'

const TLS = { verify: true }

async function listen(host: string, onSocket: (socket: Socket) => void = () => {}): Promise<{ server: Server; port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** `connected`, or the code of the failure; whatever is told more than once is told here. */
function connect(origin: string, timeoutMs = 5_000): Promise<readonly string[]> {
  const told: string[] = []
  return new Promise((resolve) => {
    makeConnect({ origin, timeoutMs, tls: TLS })((error, socket) => {
      told.push(error ? (error as { code?: string }).code! : 'connected')
      socket?.destroy()
      setImmediate(() => setImmediate(resolve, told))
    })
  })
}

describe(makeConnect.name, () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ])('connects to the address %s', async (address, host) => {
    const { port } = await listen(address)
    expect(await connect(`http://${host}:${port}`)).toEqual(['connected'])
  })

  it('tells once that nobody listens', async () => {
    const { server, port } = await listen('127.0.0.1')
    server.close()
    await once(server, 'close')
    expect(await connect(`http://127.0.0.1:${port}`)).toEqual(['ECONNREFUSED'])
  })

  it('gives a handshake up when its time is over', async () => {
    const { port } = await listen('127.0.0.1')
    expect(await connect(`https://127.0.0.1:${port}`, 50)).toEqual(['CONNECT_TIMEOUT'])
  })

  it('tells once that the server ended the handshake', async () => {
    const { port } = await listen('127.0.0.1', (socket) => socket.resetAndDestroy())
    expect(await connect(`https://127.0.0.1:${port}`)).toEqual([expect.stringMatching(/^(ECONNRESET|EPIPE)$/)])
  })
})
