import { randomInt } from 'node:crypto'
import { ServiceRig, startOwnSimulator } from '#tools/rig'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { CRASH_ENV, CRASH_SIMULATOR, runCrashes } from '../crash/crash.run.js'
import { describeViolations } from '../faults/invariants/violation.js'

const KILLS = Number(process.env.CRASH_KILLS ?? 20)
const SEED = Number(process.env.CRASH_SEED ?? randomInt(1, 2 ** 31))
const MS_PER_KILL = 20_000

describe(`Sluice, killed at random (CRASH_SEED=${SEED})`, () => {
  let rig: ServiceRig
  let simulator: Awaited<ReturnType<typeof startOwnSimulator>>

  beforeAll(async () => {
    const stack = inject('stack')
    simulator = await startOwnSimulator(CRASH_SIMULATOR)
    rig = await ServiceRig.create({ ...stack, gigachat: simulator.gigachat }, { name: 'crash', env: CRASH_ENV })
  })
  afterAll(async () => {
    await rig?.close()
    await simulator?.stop()
  })

  it(
    `loses nothing and pays twice only for calls that a kill interrupted, in ${KILLS} kills`,
    async () => {
      const report = await runCrashes(rig, { kills: KILLS, seed: SEED })
      expect(describeViolations(report.violations)).toBe('')
      // A run that catches nothing under way shows nothing.
      expect(report.interrupted).toBeGreaterThan(0)
    },
    60_000 + KILLS * MS_PER_KILL,
  )
})
