import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, dropDatabase, startStack } from '../../../tools/stack/index.js'
import type { Stack } from '../../../tools/stack/index.js'

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

describe('a stack with PostgreSQL', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ name: 'postgres-test', parts: ['postgres'], env: {} })
  })
  afterAll(() => stack.stop())

  it('runs the version of the design, as durable as in production', async () => {
    expect(await query(stack.databaseUrl, 'SHOW server_version')).toEqual([expect.stringMatching(/^18\./)])
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      expect(await query(stack.databaseUrl, `SHOW ${setting}`)).toEqual(['on'])
    }
  })

  it('listens on loopback only', async () => {
    expect(await query(stack.databaseUrl, 'SHOW listen_addresses')).toEqual(['127.0.0.1'])
  })

  it('asks for the password', async () => {
    const stranger = stack.databaseUrl.replace('sluice:sluice@', 'sluice:wrong@')
    await expect(query(stranger, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
  })

  it('is back on the same port with all that was committed when it is restarted after a kill', async () => {
    const server = stack.server('postgres')
    const before = server.pid
    await query(stack.databaseUrl, 'CREATE TABLE survivor AS SELECT 42 AS answer')
    await server.kill()
    expect(server.pid).toBeUndefined()
    await expect(query(stack.databaseUrl, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.restart()
    expect(server.pid).not.toBe(before)
    expect(await query(stack.databaseUrl, 'SELECT answer FROM survivor')).toEqual([42])
  })

  it('shuts down in order when it is stopped, although a client is connected', async () => {
    const client = new Client({ connectionString: stack.databaseUrl })
    client.on('error', () => undefined)
    await client.connect()
    const server = stack.server('postgres')
    await server.stop()
    expect(readFileSync(server.logFile, 'utf8')).toMatch(/received fast shutdown request[^]*database system is shut down\n$/)
    await server.restart()
  })

  it('gives each test a database of its own, also as a copy of another', async () => {
    const first = await createDatabase(stack.databaseUrl, 'first "test"')
    onTestFinished(() => dropDatabase(stack.databaseUrl, 'first "test"'))
    await query(first, 'CREATE TABLE migrated AS SELECT 1 AS version')
    const second = await createDatabase(stack.databaseUrl, 'second', { template: 'first "test"' })
    expect(await query(second, 'SELECT version FROM migrated')).toEqual([1])
    const leaked = new Client({ connectionString: second })
    leaked.on('error', () => undefined)
    await leaked.connect()
    await dropDatabase(stack.databaseUrl, 'second')
    await expect(query(second, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' })
  })
})

describe('two stacks that start at the same time', () => {
  it('do not meet', async () => {
    const options = { name: 'twin', parts: ['postgres'], env: {} } as const
    const [first, second] = await Promise.all([startStack(options), startStack(options)])
    onTestFinished(async () => void (await Promise.all([first.stop(), second.stop()])))
    await query(first.databaseUrl, 'CREATE TABLE mine AS SELECT 1 AS one')
    await expect(query(second.databaseUrl, 'SELECT * FROM mine')).rejects.toMatchObject({ code: '42P01' })
  })
})

describe('a stack with a wrong setting', () => {
  it('fails with the end of the log and leaves nothing running', async () => {
    const settings = { no_such_setting: '1' }
    const start = startStack({ name: 'wrong', parts: ['postgres'], postgres: { settings }, env: {} })
    await expect(start).rejects.toThrow(
      /^PostgreSQL did not start: it ended while starting\n {2}log: .*\n.*unrecognized configuration parameter "no_such_setting"/,
    )
  })
})
