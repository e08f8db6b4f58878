import { describe, expect, it } from 'vitest'
import { checkVitals } from './vitals.check.js'

const BEFORE = [{ pid: 1, rssBytes: 200e6, lagP99Ms: 15 }]

describe(checkVitals.name, () => {
  it.each([
    ['lived through the faults', { pid: 1, rssBytes: 250e6, lagP99Ms: 120 }],
    ['came later', { pid: 2, rssBytes: 400e6, lagP99Ms: 120 }],
  ])('finds nothing wrong with a worker that %s', (_, after) => {
    expect(checkVitals(BEFORE, [after], 20)).toEqual([])
  })

  it.each([
    ['I11', 'memory has grown', { pid: 1, rssBytes: 251e6, lagP99Ms: 15 }],
    ['I11', 'memory has grown', { pid: 1, rssBytes: Number.NaN, lagP99Ms: 15 }],
    ['I12', 'the event loop was late', { pid: 2, rssBytes: 200e6, lagP99Ms: 121 }],
    ['I12', 'the event loop was late', { pid: 1, rssBytes: 200e6, lagP99Ms: Number.NaN }],
  ])('reports %s when %s', (invariant, problem, after) => {
    expect(checkVitals(BEFORE, [after], 20)).toMatchObject([{ invariant, problem }])
  })
})
