import { CRASH_ENV, runCrashes } from '../../crash/crash.run.js'
import type { FaultStage } from '../stage/fault.stage.js'
import { withBarRig } from './bar.rig.js'
import type { Bar, Measured } from './bar.js'

const KILLS_PER_PART = 50
const PARTS = 20
/** Fewer than in the short run, which has few kills. */
const RECORDS_PER_KILL = 50
const STREAMS = Number(CRASH_ENV.LLM_MAX_STREAMS)

const { TASK_TYPES_DIR, MAX_MESSAGE_BYTES, INLINE_ANSWER_BYTES, LLM_MAX_STREAMS } = CRASH_ENV
/** Only what the tasks of the run need: their lease is the one that is shipped, and so is the number of deaths that a task may cause. */
const AS_SHIPPED = { TASK_TYPES_DIR, MAX_MESSAGE_BYTES, INLINE_ANSWER_BYTES, LLM_MAX_STREAMS }

export const KILLS: Bar = {
  id: 'B1',
  title: 'two workers, each killed and replaced at random moments under load, with leases of 2 s',
  limit: 'in 1,000 kills nothing lost, nothing sent after an answer, one end for each run',
  seeds: Array.from({ length: PARTS }, (_, part) => 7001 + part),
  measure: (stage, seed) => measureKills(stage, seed, CRASH_ENV),
}

export const KILLS_AS_SHIPPED: Bar = {
  id: 'B1b',
  title: 'the same with the settings that are shipped',
  limit: 'the same, in 50 kills',
  seeds: [7101],
  measure: (stage, seed) => measureKills(stage, seed, AS_SHIPPED),
}

async function measureKills(stage: FaultStage, seed: number, env: Readonly<Record<string, string>>): Promise<Measured> {
  return withBarRig(stage, { name: `kills-${seed}`, env, streams: STREAMS }, async (rig) => {
    const options = { kills: KILLS_PER_PART, seed, recordsPerKill: RECORDS_PER_KILL, replicas: 2, quietLimitMs: 600_000 }
    const { kills, tasks, calls, interrupted, violations } = await runCrashes(rig, options)
    return {
      figures: `${kills} kills, ${tasks} tasks, ${calls} calls, ${interrupted} of them broken off`,
      broken: [...new Set(violations.map(({ invariant }) => invariant))],
    }
  })
}
