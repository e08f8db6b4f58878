import {
  Base,
  findErrorBy,
  FindCoordinatorKeyTypes,
  type API,
  type BaseOptions,
  type Broker,
  type ClusterMetadata,
  type Connection,
  type findCoordinatorV4,
} from '@platformatic/kafka'
import { getApi, getBootstrapConnection, getConnection } from './base-requests.js'

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
      const api: API<unknown[], Response> = await getApi(this.base, name)
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
    return getConnection(this.base, node)
  }

  private async find(): Promise<Broker> {
    const connection = await getBootstrapConnection(this.base)
    const api: FindCoordinator = await getApi(this.base, 'FindCoordinator')
    const { coordinators } = await api.async(connection, FindCoordinatorKeyTypes.GROUP, [this.groupId])
    return { host: coordinators[0]!.host, port: coordinators[0]!.port }
  }
}
