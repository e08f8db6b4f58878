import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeReceivedAnswer } from '../../../../test/factories/received-answer.factory.js'
import { makeTemporaryFolder } from '../../../../test/factories/temporary-folder.factory.js'
import type { ReceivedAnswer } from '../ledger/answer.statement.js'
import { encodeSpoolRecord, type SpoolRecord } from './spool-record.js'
import { readSpoolFile } from './testing/read-spool-file.js'

const PREFIX_BYTES = 40

async function read(path: string, bytes: Buffer): Promise<SpoolRecord[]> {
  await writeFile(path, bytes)
  return readSpoolFile(path)
}

const found = (received: ReceivedAnswer): SpoolRecord => ({ kind: 'answer', received })

/** All but one: the check of a record's fields drops a key that would set an object's prototype. */
const anyHeaderName = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__')

const anyReceived: fc.Arbitrary<ReceivedAnswer> = fc.record({
  task: fc.record({
    id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    acceptedOn: fc.constantFrom('2026-01-02', '2027-12-31'),
    run: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  }),
  attempt: fc.record({ id: fc.uuid(), number: fc.integer({ min: 1, max: 2 ** 31 - 1 }) }),
  answer: fc.record(
    {
      status: fc.integer({ min: 200, max: 299 }),
      headers: fc.dictionary(anyHeaderName, fc.string({ unit: 'grapheme' }), { noNullPrototype: true }),
      body: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
      durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }).map((ms) => ms + 0),
      promptVersion: fc.string(),
    },
    { requiredKeys: ['status', 'headers', 'body', 'durationMs'] },
  ),
})

describe('a spool record', () => {
  it('is read as it was written, whatever it holds', async () => {
    const path = join(makeTemporaryFolder(), 'answers')
    await fc.assert(
      fc.asyncProperty(fc.array(anyReceived, { maxLength: 5 }), async (all) => {
        expect(await read(path, Buffer.concat(all.map(encodeSpoolRecord)))).toEqual(all.map(found))
      }),
      { numRuns: 50 },
    )
  })

  it('is torn, and those before it are not, wherever the file ends inside it', async () => {
    const path = join(makeTemporaryFolder(), 'answers')
    const [whole, torn] = [makeReceivedAnswer(), makeReceivedAnswer()]
    const [first, second] = [encodeSpoolRecord(whole), encodeSpoolRecord(torn)]
    const cut = fc.integer({ min: 1, max: second.length - 1 })
    await fc.assert(
      fc.asyncProperty(cut, async (length) => {
        const records = await read(path, Buffer.concat([first, second.subarray(0, length)]))
        expect(records).toEqual([found(whole), { kind: 'torn', offset: first.length }])
      }),
      { numRuns: 50 },
    )
  })

  it('is never read as another answer when one of its bits has changed', async () => {
    const path = join(makeTemporaryFolder(), 'answers')
    const [one, other] = [makeReceivedAnswer(), makeReceivedAnswer()]
    const [first, second] = [encodeSpoolRecord(one), encodeSpoolRecord(other)]
    const bit = fc.record({ at: fc.integer({ min: 0, max: first.length - 1 }), bit: fc.integer({ min: 0, max: 7 }) })
    await fc.assert(
      fc.asyncProperty(bit, async ({ at, bit: number }) => {
        const bytes = Buffer.concat([first, second])
        bytes[at]! ^= 1 << number
        const records = await read(path, bytes)
        expect(records[0]).toMatchObject({ kind: 'corrupt', offset: 0 })
        // After a broken length nobody knows where the next one begins.
        expect(records.slice(1)).toEqual(at < 8 ? [] : [found(other)])
      }),
      { numRuns: 100 },
    )
  })

  it('is corrupt when another version of the service wrote it', async () => {
    const bytes = encodeSpoolRecord(makeReceivedAnswer())
    bytes.writeUInt16BE(2, PREFIX_BYTES)
    hash('sha256', bytes.subarray(PREFIX_BYTES), 'buffer').copy(bytes, 8)
    const records = await read(join(makeTemporaryFolder(), 'answers'), bytes)
    expect(records).toEqual([{ kind: 'corrupt', offset: 0, problem: 'it has version 2, and this service reads 1' }])
  })

  it('is corrupt when its header is none', async () => {
    const bytes = encodeSpoolRecord(makeReceivedAnswer())
    bytes.write('!', PREFIX_BYTES + 6)
    hash('sha256', bytes.subarray(PREFIX_BYTES), 'buffer').copy(bytes, 8)
    const records = await read(join(makeTemporaryFolder(), 'answers'), bytes)
    expect(records).toEqual([{ kind: 'corrupt', offset: 0, problem: 'its header cannot be read' }])
  })
})
