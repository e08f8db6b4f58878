import type { LocalServer } from './server/local.server.js'
import type { GigachatAddress, S3Address, StackAddresses } from './stack.addresses.js'
import type { PartName } from './stack.settings.js'

/** Who owns what: the stack owns the servers that it started, and none of those that the environment named. */
export interface StackContents {
  readonly name: string
  readonly addresses: StackAddresses
  readonly servers: ReadonlyMap<PartName, LocalServer>
  readonly logFolder: string
}

/** Running servers and where they are reached. */
export class Stack implements AsyncDisposable {
  readonly name: string
  readonly addresses: StackAddresses
  readonly logFolder: string
  readonly #servers: ReadonlyMap<PartName, LocalServer>
  #stopping: Promise<void> | undefined

  constructor({ name, addresses, servers, logFolder }: StackContents) {
    this.name = name
    this.addresses = addresses
    this.logFolder = logFolder
    this.#servers = servers
  }

  /** The parts that this stack has, started or not. */
  get parts(): PartName[] {
    return Object.keys(this.addresses) as PartName[]
  }

  /** The server behind a part: to kill it, to restart it, to read its pid. Throws for a part that runs elsewhere. */
  server(part: PartName): LocalServer {
    const server = this.#servers.get(part)
    if (!server) throw new Error(`${part} was not started by the stack "${this.name}"`)
    return server
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  isLocal(part: PartName): boolean {
    return this.#servers.has(part)
  }

  get databaseUrl(): string {
    return this.#address('postgres', this.addresses.postgres)
  }

  get kafkaBrokers(): readonly string[] {
    return this.#address('kafka', this.addresses.kafka)
  }

  get s3(): S3Address {
    return this.#address('minio', this.addresses.minio)
  }

  get gigachat(): GigachatAddress {
    return this.#address('simulator', this.addresses.simulator)
  }

  /** Ends every server; the data of an ephemeral stack goes too. */
  async stop(): Promise<void> {
    this.#stopping ??= closeAll([...this.#servers.values()])
    await this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #address<T>(part: PartName, address: T | undefined): T {
    if (address === undefined) throw new Error(`the stack "${this.name}" has no ${part}`)
    return address
  }
}

/** Each one, whatever happens to the others. */
export async function closeAll(servers: readonly LocalServer[]): Promise<void> {
  const ends = await Promise.allSettled(servers.map((server) => server.close()))
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
  if (failures.length > 0) throw new AggregateError(failures, 'some servers could not be stopped')
}
