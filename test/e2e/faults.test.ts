import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeViolations } from '../faults/invariants/violation.js'
import { runSchedule } from '../faults/run/schedule.run.js'
import { readSchedule } from '../faults/schedule/schedule.files.js'
import { FaultStage } from '../faults/stage/fault.stage.js'

/** One for each kind of server and the kills at each step, and short; `npm run test:faults` runs all. */
const ROWS = ['K2', 'P2', 'O1', 'L3b', 'A1c', 'A2', 'Q4']
/** Tests share their machine with others. */
const PATIENCE = 4
const RUN_LIMIT_MS = PATIENCE * 40_000
/** Building toxiproxy, once, is in it. */
const START_LIMIT_MS = 180_000

describe('Sluice, under faults', () => {
  let stage: FaultStage

  beforeAll(async () => {
    stage = await FaultStage.start()
  }, START_LIMIT_MS)
  afterAll(() => stage?.close())

  it.each(ROWS)(
    'holds every invariant after the schedule %s',
    async (row) => {
      const schedule = await readSchedule(row)
      const { violations } = await runSchedule(stage, { ...schedule, recoveryMs: PATIENCE * schedule.recoveryMs })
      expect(describeViolations(violations)).toBe('')
    },
    RUN_LIMIT_MS,
  )
})
