import 'reflect-metadata'
import { Command } from 'commander'
import { runDemo } from './run-demo.js'

const program = new Command('demo')
  .description('Starts real servers and the service, sends tasks of every shape, and checks what comes of them')
  .option('--json', 'print the summary as one JSON object on the last line', false)
  .option('--keep', 'leave everything running until Ctrl-C', false)
  .parse()

try {
  const summary = await runDemo(program.opts<{ json: boolean; keep: boolean }>())
  process.exit(summary.lost + summary.wrong + summary.paid_twice > 0 ? 1 : 0)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
