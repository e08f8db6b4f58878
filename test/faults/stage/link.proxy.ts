import { TcpProxy } from '#tools/rig'
import type { Toxic, ToxicProxy, ToxiproxyServer } from '#tools/toxiproxy'

/**
 * What workers connect to instead of a server: toxiproxy, then our own proxy, which can do what toxiproxy cannot: leave connections
 * half-open for ever, while new ones are healthy.
 */
export class LinkProxy {
  private constructor(
    private readonly toxic: ToxicProxy,
    private readonly tcp: TcpProxy,
  ) {}

  /** `port` is where clients connect; a free one by default. */
  static async open(toxiproxy: ToxiproxyServer, name: string, upstreamPort: number, port?: number): Promise<LinkProxy> {
    const tcp = await TcpProxy.start('127.0.0.1', upstreamPort)
    return new LinkProxy(await toxiproxy.open(name, tcp.port, port), tcp)
  }

  get port(): number {
    return this.toxic.port
  }

  /** The same URL, by way of this proxy. */
  through(url: string): string {
    const proxied = new URL(url)
    proxied.hostname = '127.0.0.1'
    proxied.port = String(this.port)
    return proxied.href.replace(/\/$/, '')
  }

  halfOpen(): void {
    this.tcp.kill()
  }

  /** Another server is there instead, on that port of this machine. Gives what brings the right one back. */
  divert(port: number): () => void {
    this.tcp.divert(port)
    return () => this.tcp.divert()
  }

  /** Gives what takes the toxic away again. */
  async poison(toxic: Toxic): Promise<() => Promise<void>> {
    const name = await this.toxic.add(toxic)
    return () => this.toxic.remove(name)
  }

  /** Gives what lets connections in again. */
  async refuse(): Promise<() => Promise<void>> {
    await this.toxic.refuse()
    return () => this.toxic.accept()
  }

  async close(): Promise<void> {
    await this.tcp.close()
  }
}
