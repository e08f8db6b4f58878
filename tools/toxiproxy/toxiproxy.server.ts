import { giveBackPort, takeFreePort } from '../stack/network/free-port.js'
import type { SupervisedProcess } from '../stack/supervision/supervised.process.js'
import { ToxicProxy } from './toxic.proxy.js'
import type { ToxiproxyApi } from './toxiproxy.api.js'

/** A running toxiproxy. Whoever starts it stops it; it ends with its owner otherwise. */
export class ToxiproxyServer {
  private readonly ports: number[] = []

  constructor(
    private readonly running: SupervisedProcess,
    private readonly api: ToxiproxyApi,
  ) {}

  /** A proxy on 127.0.0.1 before `127.0.0.1:upstreamPort`, on a free port unless `port` says which. */
  async open(name: string, upstreamPort: number, port?: number): Promise<ToxicProxy> {
    const listenPort = port ?? (await this.takePort())
    await this.api.request('POST', 'proxies', {
      name,
      listen: `127.0.0.1:${listenPort}`,
      upstream: `127.0.0.1:${upstreamPort}`,
      enabled: true,
    })
    return new ToxicProxy(this.api, name, listenPort)
  }

  /** Removes all toxics of all proxies and lets connections in again. */
  async reset(): Promise<void> {
    await this.api.request('POST', 'reset')
  }

  async stop(): Promise<void> {
    await this.running.abandon()
    this.ports.forEach(giveBackPort)
  }

  private async takePort(): Promise<number> {
    const port = await takeFreePort()
    this.ports.push(port)
    return port
  }
}
