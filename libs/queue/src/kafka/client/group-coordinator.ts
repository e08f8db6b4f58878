import {
  Base,
  findErrorBy,
  FindCoordinatorKeyTypes,
  kGetApi,
  kGetBootstrapConnection,
  kGetConnection,
  type API,
  type BaseOptions,
  type Broker,
  type ClusterMetadata,
  type Connection,
  type findCoordinatorV4,
} from '@platformatic/kafka'

const MOVED = ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS']
type FindCoordinator = API<[keyType: number, keys: string[]], findCoordinatorV4.FindCoordinatorResponse>

/** Sends requests to the broker that coordinates a group, and looks for it anew when it has moved or is gone. Retries nothing. */
export class GroupCoordinator {
  private readonly base: Base
  private node: Broker | undefined

  constructor(
    options: BaseOptions,
    private readonly groupId: string,
  ) {
    this.base = new Base(options)
  }

  async request<Response>(name: string, ...args: unknown[]): Promise<Response> {
    try {
      const connection = await this.connect()
      const api: API<unknown[], Response> = await this.api(name)
      return await api.async(connection, ...args)
    } catch (error) {
      const moved = MOVED.some((id) => findErrorBy(error as Error, 'apiId', id) !== null)
      if (moved || findErrorBy(error as Error, 'code', 'PLT_KFK_NETWORK')) this.node = undefined
      throw error
    }
  }

  topics(names: readonly string[]): Promise<ClusterMetadata['topics']> {
    return this.base.metadata({ topics: [...names], forceUpdate: true }).then(({ topics }) => topics)
  }

  async close(): Promise<void> {
    await this.base.close()
  }

  private async connect(): Promise<Connection> {
    const node = (this.node ??= await this.find())
    return new Promise((resolve, reject) => this.base[kGetConnection](node, settle(resolve, reject)))
  }

  private async find(): Promise<Broker> {
    const connection = await new Promise<Connection>((resolve, reject) => this.base[kGetBootstrapConnection](settle(resolve, reject)))
    const api: FindCoordinator = await this.api('FindCoordinator')
    const { coordinators } = await api.async(connection, FindCoordinatorKeyTypes.GROUP, [this.groupId])
    return { host: coordinators[0]!.host, port: coordinators[0]!.port }
  }

  private api<Arguments extends unknown[], Response>(name: string): Promise<API<Arguments, Response>> {
    return new Promise((resolve, reject) => this.base[kGetApi]<Arguments, Response>(name, settle(resolve, reject)))
  }
}

function settle<T>(resolve: (value: T) => void, reject: (error: Error) => void) {
  return (error: Error | null, value?: T) => (error ? reject(error) : resolve(value as T))
}
