import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

interface Link {
  readonly client: Socket
  readonly server: Socket
  mode: 'open' | 'deaf' | 'dead'
}

/**
 * A TCP proxy that breaks connections as networks do. By connection: open; deaf (what the client says arrives, no answer comes back);
 * dead (half-open: the socket stays, nothing arrives in either direction). New connections are always open, unless they are refused.
 */
export class TcpProxy {
  private readonly links = new Set<Link>()
  private refusing = false
  private lastWords: string | undefined
  private divertedTo: number | undefined

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
  ) {}

  static async start(host: string, port: number): Promise<TcpProxy> {
    const server = createServer()
    const proxy = new TcpProxy(server, { host, port })
    server.on('connection', (client) => proxy.join(client))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** A proxy before the server of a URL, and the URL that goes through it. */
  static async before(url: string): Promise<{ proxy: TcpProxy; url: string }> {
    const { hostname, port } = new URL(url)
    const proxy = await TcpProxy.start(hostname, Number(port))
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = String(proxy.port)
    return { proxy, url: through.href }
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.links.size
  }

  /** From now on the connections that are there get no answer, though they are heard. */
  deafen(): void {
    for (const link of this.links) link.mode = 'deaf'
  }

  /** The next connection that says this gets no answer to it, nor to anything later: such as COMMIT. */
  deafenAfter(words: string): void {
    this.lastWords = words
  }

  /** The connections that are there are half-open from now on. */
  kill(): void {
    for (const link of this.links) link.mode = 'dead'
  }

  /** Resets the connections that are there; new ones go to another port until `divert()`. */
  divert(port?: number): void {
    this.divertedTo = port
    this.cut()
  }

  /** Resets the connections that are there. */
  cut(): void {
    for (const { client, server } of this.links) {
      client.resetAndDestroy()
      server.destroy()
    }
  }

  refuse(): void {
    this.refusing = true
  }

  accept(): void {
    this.refusing = false
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    for (const { client, server } of this.links) {
      client.destroy()
      server.destroy()
    }
    await closed
  }

  private join(client: Socket): void {
    if (this.refusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...this.target, ...(this.divertedTo !== undefined && { port: this.divertedTo }) })
    const link: Link = { client, server, mode: 'open' }
    this.links.add(link)
    client.on('data', (bytes) => {
      if (this.lastWords !== undefined && bytes.includes(this.lastWords)) {
        this.lastWords = undefined
        link.mode = 'deaf'
      }
      if (link.mode !== 'dead') server.write(bytes)
    })
    server.on('data', (bytes) => link.mode === 'open' && client.write(bytes))
    const end = () => {
      this.links.delete(link)
      server.destroy()
      // Who is half-open does not learn that the other side has gone.
      if (link.mode === 'open') client.destroy()
    }
    client.on('close', end).on('error', () => undefined)
    server.on('close', end).on('error', () => undefined)
  }
}
