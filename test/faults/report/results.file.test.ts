import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../../factories/temporary-folder.factory.js'
import type { FaultResult } from './fault.result.js'
import { ResultsFile } from './results.file.js'

const makeFaultResult = (fields: Partial<FaultResult> = {}): FaultResult => ({
  row: 'K1',
  title: 'the broker is killed',
  seed: 1,
  tree: 'tree',
  date: '2026-01-02T00:00:00.000Z',
  broken: [],
  ...fields,
})
const FAILED = makeFaultResult({ broken: ['I1'] })

function makePaths() {
  const folder = makeTemporaryFolder()
  return [join(folder, 'own.json'), join(folder, 'published.json')] as const
}

describe(ResultsFile.name, () => {
  it('keeps the last result of each row, seed and test', async () => {
    const paths = makePaths()
    const file = await ResultsFile.open(...paths)
    const others = [makeFaultResult({ seed: 2 }), makeFaultResult({ test: 'a.test.ts > works' })]
    for (const result of [makeFaultResult(), ...others, makeFaultResult({ records: 7 })]) await file.put(result)
    const again = await ResultsFile.open(...paths)
    expect(again.find(makeFaultResult())?.records).toBe(7)
    expect(others.map((result) => again.find(result))).toEqual(others)
  })

  it('finds what is of these very sources only, and the last one of any', async () => {
    const file = await ResultsFile.open(...makePaths())
    await file.put(makeFaultResult())
    expect(file.find(makeFaultResult({ tree: 'another' }))).toBeUndefined()
    expect(file.last(makeFaultResult({ tree: 'another' }))).toEqual(makeFaultResult())
  })

  it('tells how often a row has failed on these sources before it held', async () => {
    const file = await ResultsFile.open(...makePaths())
    for (const result of [FAILED, FAILED, makeFaultResult()]) await file.put(result)
    expect(file.last(FAILED)).toEqual(makeFaultResult({ failedBefore: 2 }))
    await file.put(makeFaultResult({ tree: 'mended' }))
    expect(file.last(FAILED)?.failedBefore).toBeUndefined()
  })

  it.each([
    ['published', '2026-01-03T00:00:00.000Z'],
    ['own', '2026-01-01T00:00:00.000Z'],
  ])('takes what is newer: %s', async (title, publishedAt) => {
    const [own, published] = makePaths()
    await writeFile(own, JSON.stringify([makeFaultResult({ title: 'own' })]))
    await writeFile(published, JSON.stringify([makeFaultResult({ title: 'published', date: publishedAt }), makeFaultResult({ seed: 2 })]))
    const file = await ResultsFile.open(own, published)
    expect(file.last(FAILED)?.title).toBe(title)
    expect(file.last({ row: 'K1', seed: 2 })).toBeDefined()
  })
})
