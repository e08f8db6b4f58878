import { printProgress, startStack } from '#tools/stack'
import { readSoakFlags, SOAK_USAGE } from './flags/soak.flags.js'
import { BenchLab } from './run/bench.lab.js'
import { runSoak } from './run/soak.run.js'

const flags = readSoakFlags(process.argv.slice(2))
if (flags === undefined) {
  console.log(SOAK_USAGE)
  process.exit(0)
}
const stack = await startStack({ name: 'soak', kafka: { firstCompilerOnly: true }, onProgress: printProgress })
const lab = new BenchLab(stack, flags.nodeFlags)
try {
  const soak = await runSoak(lab, flags, (line) => console.error(line))
  console.log(
    `median RSS of tasks ${soak.early.from} to ${soak.early.to}: ${soak.early.rssMib.toFixed(1)} MiB; ` +
      `of tasks ${soak.late.from} to ${soak.late.to}: ${soak.late.rssMib.toFixed(1)} MiB; ratio ${soak.ratio.toFixed(3)} (at most ${soak.bar})`,
  )
  if (flags.json) console.log(JSON.stringify(soak))
  if (soak.ratio > soak.bar) process.exitCode = 1
} finally {
  await lab.topics.close()
  await stack.stop()
}
