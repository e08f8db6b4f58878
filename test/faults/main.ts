import { Command } from 'commander'
import { printProgress } from '#tools/stack'
import { FAULT_MATRIX, type Proof } from './matrix/fault.matrix.js'
import { BARS } from './bars/bars.js'
import type { Bar } from './bars/bar.js'
import { describeViolations } from './invariants/violation.js'
import { makeBarsReport } from './report/bars.report.js'
import { isAsExpected, makeResult, type FaultResult } from './report/fault.result.js'
import { isLacking, makeReport, nameProof, NO_SEED } from './report/matrix.report.js'
import { describeResult, makeBarsTable, makeTable } from './report/result.table.js'
import { ResultsFile } from './report/results.file.js'
import { hashSourceTree } from './report/source.tree.js'
import { runProofs } from './run/proof.run.js'
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
  .description(
    'faults under load and what must hold after each, then what the service promises, measured; results are kept in .stack/faults/results.json, those of the last whole run in docs/faults.results.json',
  )
  .option('--only <rows>', 'these rows and bars, comma-separated', (text) => text.split(','))
  .option('--seed <number>', 'instead of the seeds of the schedules', Number)
  .option('--again', 'also what has been run on these very sources', false)
  .option(
    '--report',
    'run nothing, print the whole matrix as a Markdown table; fails where a row is missing, broken or of other sources',
    false,
  )
  .parse()
  .opts<Options>()

// Servers and workers end with this process when it exits; by default a signal would end it without an exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const results = await ResultsFile.open()
if (report) await printReport()
else await runAll()

async function printReport(): Promise<void> {
  const [schedules, tree] = await Promise.all([readSchedules(), hashSourceTree()])
  const rows = makeReport({ matrix: FAULT_MATRIX, schedules, tree, find: (key) => results.last(key) })
  const bars = makeBarsReport(BARS, { tree, find: (key) => results.last(key) })
  print(`${makeTable(rows)}\n\n${makeBarsTable(bars)}`)
  if ([...rows, ...bars].some(isLacking)) process.exitCode = 1
}

async function runAll(): Promise<void> {
  const tree = await hashSourceTree()
  const chosen = (await readSchedules())
    .filter(({ row }) => only?.includes(row) ?? true)
    .map((schedule) => ({ ...schedule, seed: seed ?? schedule.seed }))
  const proofs = FAULT_MATRIX.filter(({ id }) => only?.includes(id) ?? true).flatMap(({ id, proofs: own = [] }) =>
    own.map((proof) => ({ proof, row: id, seed: NO_SEED, test: nameProof(proof) })),
  )
  const bars = BARS.filter(({ id }) => only?.includes(id) ?? true).flatMap((bar) =>
    bar.seeds.map((part) => ({ bar, row: bar.id, seed: part })),
  )
  if (chosen.length + proofs.length + bars.length === 0) throw new Error(`no schedule for ${only?.join(',')}`)
  const due = chosen.filter((schedule) => again || !results.find({ ...schedule, tree }))
  const dueProofs = proofs.filter((proof) => again || !results.find({ ...proof, tree }))
  const dueBars = bars.filter((part) => again || !results.find({ ...part, tree }))
  const done = chosen.length - due.length + proofs.length - dueProofs.length + bars.length - dueBars.length
  if (done > 0) print(`${done} have been run on these sources; --again repeats them`)
  if (due.length > 0) {
    await onStage(async (stage) => {
      for (const schedule of due) if (!(await runOne(stage, schedule, tree))) process.exitCode = 1
    })
  }
  if (dueProofs.length > 0) await proveAll(dueProofs, tree)
  if (dueBars.length > 0) {
    await onStage(async (stage) => {
      for (const { bar, seed: part } of dueBars) if (!(await measureOne(stage, bar, part, tree))) process.exitCode = 1
    })
  }
}

async function onStage(work: (stage: FaultStage) => Promise<void>): Promise<void> {
  const stage = await FaultStage.start({ onProgress: printProgress })
  try {
    await work(stage)
  } finally {
    await stage.close()
  }
}

async function measureOne(stage: FaultStage, bar: Bar, part: number, tree: string): Promise<boolean> {
  const { id: row, title } = bar
  const measured = await bar.measure(stage, part).catch((error: unknown) => ({
    figures: error instanceof Error ? error.message : String(error),
    broken: ['end'],
  }))
  const result: FaultResult = { row, title, seed: part, ...measured, tree, date: new Date().toISOString() }
  await results.put(result)
  print(describeResult(result))
  return isAsExpected(result)
}

interface DueProof {
  readonly proof: Proof
  readonly row: string
  readonly seed: number
  readonly test: string
}

async function proveAll(due: readonly DueProof[], tree: string): Promise<void> {
  const verdict = await runProofs(due.map(({ proof }) => proof))
  for (const { proof, row, test } of due) {
    const passed = verdict(proof)
    const broken = passed === undefined ? ['no such test'] : passed ? [] : ['the test failed']
    await results.put({ row, seed: NO_SEED, test, title: proof.name, tree, date: new Date().toISOString(), broken })
    print(`${passed === true ? 'ok  ' : 'FAIL'} ${row}: ${test}`)
    if (passed !== true) process.exitCode = 1
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
