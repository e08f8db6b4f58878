import { randomInt } from 'node:crypto'
import { ServiceRig } from '#tools/rig'
import { printProgress, startStack } from '#tools/stack'
import { describeViolations } from '../faults/invariants/violation.js'
import { CRASH_ENV, CRASH_SIMULATOR, runCrashes } from './crash.run.js'

const DEFAULT_KILLS = 1_000
/** Fewer than in the short run: the ledger and the bill of 1,000 kills must still fit into memory. */
const RECORDS_PER_KILL = 50

/** `npm run test:crash`: CRASH_KILLS (1000) and CRASH_SEED say how often and when. Exit code 1 when an invariant is broken. */
const kills = Number(process.env.CRASH_KILLS ?? DEFAULT_KILLS)
const seed = Number(process.env.CRASH_SEED ?? randomInt(1, 2 ** 31))
const print = (text: string) => process.stdout.write(`${text}\n`)

print(`seed ${seed}: repeat this run with CRASH_SEED=${seed}`)
const stack = await startStack({ name: 'crash', simulator: { settings: CRASH_SIMULATOR }, onProgress: printProgress })
try {
  const rig = await ServiceRig.create(stack, { name: 'crash', env: CRASH_ENV })
  try {
    const report = await runCrashes(rig, {
      kills,
      seed,
      recordsPerKill: RECORDS_PER_KILL,
      onKill: (kill, { sending, preparing, answered, unpublished }) =>
        print(`kill ${kill}/${kills}: sending ${sending.length}, preparing ${preparing}, answered ${answered}, unpublished ${unpublished}`),
    })
    const { violations, ...facts } = report
    print(JSON.stringify(facts))
    if (violations.length > 0) {
      print(describeViolations(violations))
      print(`the worker's log: ${rig.logFile}`)
      process.exitCode = 1
    } else print('all invariants hold')
  } finally {
    await rig.close()
  }
} finally {
  await stack.stop()
}
