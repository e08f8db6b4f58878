import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FAULT_MATRIX, type MatrixRow } from '../faults/matrix/fault.matrix.js'
import type { FaultResult } from '../faults/report/fault.result.js'
import { belongsTo, isLacking, makeReport, nameProof } from '../faults/report/matrix.report.js'
import { readSchedules } from '../faults/schedule/schedule.files.js'
import { scheduleSchema } from '../faults/schedule/schedule.schema.js'

describe('the matrix of faults', () => {
  it('has a schedule, a test or a reason for every row, and a row for every schedule', async () => {
    const schedules = await readSchedules()
    const shown = ({ id, proofs, open }: MatrixRow) => proofs ?? open ?? schedules.find(({ row }) => belongsTo(row, { id }))
    expect(FAULT_MATRIX.filter((row) => !shown(row)).map(({ id }) => id)).toEqual([])
    expect(schedules.filter(({ row }) => !FAULT_MATRIX.some((known) => belongsTo(row, known))).map(({ row }) => row)).toEqual([])
    expect(new Set(FAULT_MATRIX.map(({ id }) => id)).size).toBe(FAULT_MATRIX.length)
  })

  it('names tests that are there', () => {
    const proofs = FAULT_MATRIX.flatMap(({ proofs: own = [] }) => own)
    const isThere = ({ file, name }: (typeof proofs)[number]) => {
      const source = readFileSync(file, 'utf8')
      // Names of tables are made of their rows: what comes before the first placeholder stands in the file.
      return source.includes(name) || source.includes(name.replace(/ (for|with) .*$/, ''))
    }
    expect(proofs.filter((proof) => !isThere(proof)).map(nameProof)).toEqual([])
    // A report has names as they are with their row put in.
    expect(proofs.filter(({ name }) => name.includes('%')).map(nameProof)).toEqual([])
  })
})

describe(makeReport.name, () => {
  const schedule = scheduleSchema.parse({
    row: 'K6b',
    title: 'the broker goes',
    seed: 7,
    tasks: 100,
    recoveryMs: 100,
    steps: [{ at: 0, target: 'kafka', fault: 'kill' }],
  })
  const result: FaultResult = { row: 'K6b', title: '', seed: 7, tree: 'now', date: '2026-01-31', budgetMs: 100, broken: [] }
  const row: MatrixRow = { id: 'K6', fault: 'the broker goes' }
  const stateOf = (found: FaultResult | undefined, matrix: readonly MatrixRow[] = [row], schedules = [schedule]) =>
    makeReport({ matrix, schedules, tree: 'now', find: () => found }).map((line) => [line.state, isLacking(line)])

  it('can be relied on only where the row has been run on these sources, and holds', () => {
    expect(stateOf(result)).toEqual([['holds', false]])
    expect(stateOf({ ...result, tree: 'before' })).toEqual([['stale', true]])
    expect(stateOf({ ...result, broken: ['I5'] })).toEqual([['broken', true]])
    expect(stateOf(undefined)).toEqual([['missing', true]])
  })

  it('lacks a row that nothing shows, unless the matrix says why', () => {
    expect(stateOf(undefined, [row], [])).toEqual([['missing', true]])
    expect(stateOf(undefined, [{ ...row, open: 'one broker' }], [])).toEqual([['open', false]])
  })
})
