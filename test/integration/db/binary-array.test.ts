import { describe, expect, inject, it, onTestFinished } from 'vitest'
import {
  makeBigintArray,
  makeBooleanArray,
  makeByteaArray,
  makeIntegerArray,
  makeTextArray,
  makeTimestampArray,
  makeUuidArray,
} from '../../../libs/db/src/connection/binary-array.js'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { makeDbSettings } from './test-database.js'

async function roundTrip(array: Buffer, type: string): Promise<(string | null)[]> {
  const pool = new HotPool(makeDbSettings(inject('stack').databaseUrl))
  onTestFinished(() => pool.close())
  const rows = await pool.run<{ text: string | null }>(
    { text: `SELECT t.v::text AS text FROM unnest($1::${type}[]) WITH ORDINALITY AS t(v, n) ORDER BY n` },
    [array],
  )
  return rows.map(({ text }) => text)
}

describe('binary arrays, as PostgreSQL reads them', () => {
  it('hold whole numbers of 64 bits', async () => {
    const values = [0, 1, -1, 4_294_967_295, 4_294_967_296, -4_294_967_297, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]
    const bigints = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0n, null]
    await expect(roundTrip(makeBigintArray(values), 'bigint')).resolves.toEqual(
      values.map((value) => (value === null ? null : String(value))),
    )
    await expect(roundTrip(makeBigintArray(bigints), 'bigint')).resolves.toEqual(
      bigints.map((value) => (value === null ? null : String(value))),
    )
  })

  it('hold whole numbers of 32 bits', async () => {
    const values = [0, -1, 2_147_483_647, -2_147_483_648, null]
    await expect(roundTrip(makeIntegerArray(values), 'integer')).resolves.toEqual(
      values.map((value) => (value === null ? null : String(value))),
    )
  })

  it('hold text of any script', async () => {
    const values = ['', 'NULL', '{"a,b"}', '\\', 'ключ', '🌊', 'a\nb', null, 'x'.repeat(100_000)]
    await expect(roundTrip(makeTextArray(values), 'text')).resolves.toEqual(values)
  })

  it('hold bytes of any value', async () => {
    const values = [Buffer.from([0, 1, 254, 255]), Buffer.alloc(0), null]
    await expect(roundTrip(makeByteaArray(values), 'bytea')).resolves.toEqual(['\\x0001feff', '\\x', null])
  })

  it('hold truth values', async () => {
    await expect(roundTrip(makeBooleanArray([true, false, null]), 'boolean')).resolves.toEqual(['true', 'false', null])
  })

  it('hold UUIDs', async () => {
    const id = '0b9f6a0e-7f0d-4c3e-9a64-2f4d1c2b3a4f'
    await expect(roundTrip(makeUuidArray([id, null]), 'uuid')).resolves.toEqual([id, null])
  })

  it('hold times before and after 2000', async () => {
    const values = [Date.parse('1969-07-20T20:17:40.500Z'), 0, Date.parse('2038-01-19T03:14:08.001Z'), null]
    const texts = await roundTrip(makeTimestampArray(values), 'timestamptz')
    expect(texts.map((text) => (text === null ? null : Date.parse(text)))).toEqual(values)
  })

  it.each([
    ['bigint', makeBigintArray([])],
    ['text', makeTextArray([])],
    ['uuid', makeUuidArray([])],
    ['bytea', makeByteaArray([])],
  ])('may be empty (%s)', async (type, array) => {
    await expect(roundTrip(array, type)).resolves.toEqual([])
  })
})
