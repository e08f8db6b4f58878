import { TcpProxy } from '#tools/rig'
import { onTestFinished } from 'vitest'
import type { TestDatabase } from './test-database.js'
import { openReplica, type ReplicaOptions, type TestReplica } from './test-replica.js'

/** A replica whose connections go through a proxy that can break them. */
export async function openProxiedReplica(
  database: Pick<TestDatabase, 'url'>,
  options: ReplicaOptions = {},
): Promise<TestReplica & { readonly proxy: TcpProxy }> {
  const { proxy, url } = await TcpProxy.before(database.url)
  // Registered first, so that it ends after the replica.
  onTestFinished(() => proxy.close())
  return { ...(await openReplica({ url }, options)), proxy }
}
