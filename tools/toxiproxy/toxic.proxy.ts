import type { Toxic } from './toxic.js'
import type { ToxiproxyApi } from './toxiproxy.api.js'

/** One proxy of a running toxiproxy: a port before a server. */
export class ToxicProxy {
  constructor(
    private readonly api: ToxiproxyApi,
    readonly name: string,
    /** On 127.0.0.1. */
    readonly port: number,
  ) {}

  /** Adds a toxic to connections that are there and to new ones. Gives the name by which `remove` takes it away. */
  async add(toxic: Toxic): Promise<string> {
    const made = (await this.api.request('POST', `proxies/${this.name}/toxics`, { ...toxic, name: `${toxic.type}_${toxic.stream}` })) as {
      readonly name: string
    }
    return made.name
  }

  /** Connections that a toxic has held are closed by toxiproxy when it goes. */
  async remove(toxic: string): Promise<void> {
    await this.api.request('DELETE', `proxies/${this.name}/toxics/${toxic}`)
  }

  /** Closes all connections and refuses new ones. */
  async refuse(): Promise<void> {
    await this.api.request('POST', `proxies/${this.name}`, { enabled: false })
  }

  async accept(): Promise<void> {
    await this.api.request('POST', `proxies/${this.name}`, { enabled: true })
  }
}
