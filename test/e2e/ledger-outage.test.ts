import { readFile } from 'node:fs/promises'
import { TcpProxy, waitUntil, type ServiceRig } from '#tools/rig'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, attemptsOf, callsOf, send, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

describe('Sluice, when PostgreSQL fails', { timeout: 90_000 }, () => {
  let rig: ServiceRig
  let proxy: TcpProxy

  beforeAll(async () => {
    rig = await openRig('ledger-outage')
    const { proxy: before, url } = await TcpProxy.before(rig.databaseUrl)
    proxy = before
    await rig.startWorker({ DATABASE_URL: url, DATABASE_STATEMENT_TIMEOUT_MS: '1000', DATABASE_QUERY_TIMEOUT_MS: '1500' })
  }, 90_000)
  afterAll(async () => {
    await rig?.close()
    await proxy?.close()
  })

  const countEnds = () => rig.ledger.value<number>('SELECT count(*) FROM run_record')
  const countWaiting = () => rig.ledger.value<number>('SELECT count(*) FROM task_queue')
  const committed = async () => (await rig.topics.committed([0]))[0]?.offset

  it('commits no offset while a record cannot be stored, and makes no dead letter of it', async () => {
    await ask(rig, makePrompt('before'))
    await rig.ledger.rows('ALTER TABLE task_identity RENAME TO task_identity_gone')
    const [end] = await rig.topics.ends([0])
    await waitUntil(async () => (await committed()) === end!.offset, { what: 'the offset of what was stored' })
    await send(rig, [makePrompt('refused-1'), makePrompt('refused-2')])
    await waitUntil(async () => (await readFile(rig.logFile, 'utf8')).includes('42P01'), { what: 'PostgreSQL to refuse the insert' })
    expect(await committed()).toBe(end!.offset)
    await rig.ledger.rows('ALTER TABLE task_identity_gone RENAME TO task_identity')
    const results = await waitForResults(rig, ['refused-1', 'refused-2'])
    expect(results.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded'])
    await waitUntil(async () => (await committed()) === end!.offset + 2n, { what: 'the offset of both' })
    await expect(rig.ledger.value('SELECT count(*) FROM rejected_delivery')).resolves.toBe(0)
  })

  it.each([
    ['resets its connections', () => proxy.cut()],
    ['goes silent', () => proxy.kill()],
  ])('keeps the answers that come while PostgreSQL %s and stays away, and calls nobody twice', async (what, fail) => {
    const name = what.replaceAll(' ', '-')
    const ids = Array.from({ length: 5 }, (_, index) => `${name}-${index}`)
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs: 800 })),
    )
    await waitUntil(
      async () => (await rig.calls()).filter(({ tasks, outcome }) => ids.includes(tasks[0]!) && outcome === 'open').length === 5,
      {
        what: 'the calls',
      },
    )
    proxy.refuse()
    fail()
    await waitUntil(async () => (await rig.calls()).every(({ outcome }) => outcome === 'answered'), { what: 'the answers' })
    await send(rig, [makePrompt(`${name}-meanwhile`)])
    proxy.accept()
    const results = await waitForResults(rig, [...ids, `${name}-meanwhile`], 60_000)
    expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 6 }, () => 'succeeded'))
    for (const id of ids) {
      await expect(callsOf(rig, id)).resolves.toHaveLength(1)
      await expect(attemptsOf(rig, id)).resolves.toMatchObject([{ number: 1, state: 'answered' }])
    }
  })

  it('goes on when PostgreSQL ends every connection at once, again and again', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `ended-${index}`)
    await send(
      rig,
      ids.map((id) => makePrompt(id, { latencyMs: 50 })),
    )
    for (let round = 0; round < 5; round++) {
      const before = await countEnds()
      await rig.ledger.rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sluice%' AND pid <> pg_backend_pid() AND application_name <> 'sluice-rig'`,
      )
      await waitUntil(async () => (await countEnds()) > before || (await countWaiting()) === 0, { what: 'the next end', timeoutMs: 60_000 })
    }
    const results = await waitForResults(rig, ids, 60_000)
    expect(results.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([])
    const calls = (await rig.calls()).filter(({ tasks }) => tasks[0]?.startsWith('ended-'))
    expect(calls).toHaveLength(ids.length)
  })
})
