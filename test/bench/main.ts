import { printProgress, startStack } from '#tools/stack'
import { BENCH_USAGE, readBenchFlags } from './flags/bench.flags.js'
import { makeReport } from './report/report.json.js'
import { makeTable } from './report/report.table.js'
import { BenchLab } from './run/bench.lab.js'
import { BenchRunner } from './run/bench.runner.js'

const flags = readBenchFlags(process.argv.slice(2))
if (flags === undefined) {
  console.log(BENCH_USAGE)
  process.exit(0)
}
const stack = await startStack({ name: 'bench', kafka: { firstCompilerOnly: true }, onProgress: printProgress })
const lab = new BenchLab(stack, flags.nodeFlags)
try {
  const results = await new BenchRunner(lab, flags, (line) => console.error(line)).run()
  console.log(makeTable(results))
  if (flags.json) console.log(JSON.stringify(makeReport(results)))
} finally {
  await lab.topics.close()
  await stack.stop()
}
