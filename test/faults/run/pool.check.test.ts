import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkPools } from './pool.check.js'

/** Shows these numbers of busy connections, one with each answer, the last one for good. */
async function openWorker(busy: number[]): Promise<{ readonly url: string }> {
  const server = createServer((_, response) => {
    const now = busy.length > 1 ? busy.shift() : busy[0]
    response.end(
      `# HELP\nsluice_db_pool_connections{state="idle"} 3\nsluice_db_pool_connections{state="busy"} ${now}\nsluice_db_pool_waiting 0\n`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe(checkPools.name, () => {
  it('finds nothing wrong once no connection is in use', async () => {
    expect(await checkPools([await openWorker([2, 1, 0])])).toEqual([])
  })

  it('reports a connection that never comes back', async () => {
    expect(await checkPools([await openWorker([1])], 300)).toMatchObject([
      { invariant: 'I10', problem: 'a pool is in use and there is no work' },
    ])
  })
})
