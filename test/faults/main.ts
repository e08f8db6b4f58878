import { Command } from 'commander'
import { printProgress } from '#tools/stack'
import { describeViolations } from './invariants/violation.js'
import { isAsExpected, makeResult } from './report/fault.result.js'
import { describeResult, makeTable } from './report/result.table.js'
import { ResultsFile } from './report/results.file.js'
import { hashSourceTree } from './report/source.tree.js'
import { runSchedule } from './run/schedule.run.js'
import { readSchedules, saveRegression } from './schedule/schedule.files.js'
import type { Schedule } from './schedule/schedule.schema.js'
import { FaultStage } from './stage/fault.stage.js'

interface Options {
  readonly only?: readonly string[]
  readonly seed?: number
  readonly again: boolean
  readonly report: boolean
}

const print = (text: string) => process.stdout.write(`${text}\n`)

const { only, seed, again, report } = new Command('test:faults')
  .description('faults under load, and what must hold after each; results are kept in .stack/faults/results.json')
  .option('--only <rows>', 'these rows, comma-separated', (text) => text.split(','))
  .option('--seed <number>', 'instead of the seeds of the schedules', Number)
  .option('--again', 'also what has been run on these very sources', false)
  .option('--report', 'run nothing, print the results as a Markdown table', false)
  .parse()
  .opts<Options>()

// Servers and workers end with this process when it exits; by default a signal would end it without an exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const results = await ResultsFile.open()
if (report) print(makeTable(results.all))
else await runAll()

async function runAll(): Promise<void> {
  const tree = await hashSourceTree()
  const chosen = (await readSchedules())
    .filter(({ row }) => only?.includes(row) ?? true)
    .map((schedule) => ({ ...schedule, seed: seed ?? schedule.seed }))
  if (chosen.length === 0) throw new Error(`no schedule for ${only?.join(',')}`)
  const due = chosen.filter((schedule) => again || !results.find({ ...schedule, tree }))
  if (due.length < chosen.length) print(`${chosen.length - due.length} have been run on these sources; --again repeats them`)
  if (due.length === 0) return
  const stage = await FaultStage.start({ onProgress: printProgress })
  try {
    for (const schedule of due) if (!(await runOne(stage, schedule, tree))) process.exitCode = 1
  } finally {
    await stage.close()
  }
}

async function runOne(stage: FaultStage, schedule: Schedule, tree: string): Promise<boolean> {
  const run = await runSchedule(stage, schedule).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  const result = makeResult(schedule, run, { tree, date: new Date().toISOString() })
  await results.put(result)
  print(describeResult(result))
  if (isAsExpected(result)) return true
  print(run instanceof Error ? run.message : `${describeViolations(run.violations)}\nthe workers' log: ${run.logFile}`)
  print(`kept as ${await saveRegression(schedule)}`)
  return false
}
