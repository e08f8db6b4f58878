import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { runDown } from './cli/down.command.js'
import { runEnv } from './cli/env.command.js'
import { runLogs } from './cli/logs.command.js'
import type { LogsOptions } from './cli/logs.command.js'
import { runStatus } from './cli/status.command.js'
import { runUpDetached } from './cli/up-detached.command.js'
import { runUp } from './cli/up.command.js'
import { PART_NAMES } from './stack.settings.js'
import type { PartName } from './stack.settings.js'

const program = new Command('stack')
  .description('PostgreSQL, Kafka, MinIO and the GigaChat simulator on this machine, without Docker')
  .showHelpAfterError()
  .addHelpText(
    'after',
    `
Examples:
  npm run stack -- up                   all parts, until Ctrl-C
  npm run stack -- up postgres kafka    only these
  npm run stack -- up --detach          in the background
  npm run stack -- logs kafka -f
  npm run stack -- down --purge         stop, and remove the data

Ports: STACK_POSTGRES_PORT (15432), STACK_KAFKA_PORT (19092), STACK_KAFKA_CONTROLLER_PORT (19093), STACK_MINIO_PORT (19000),
STACK_MINIO_CONSOLE_PORT (19001), STACK_SIMULATOR_PORT (18080). Kafka's heap: STACK_KAFKA_HEAP_MB (512).
Folders: SLUICE_CACHE_DIR (~/.cache/sluice, downloads and builds), SLUICE_RUN_DIR (/var/tmp/sluice-<uid>, data),
STACK_FOLDER (.stack, logs and state).
Instead of starting a part, use one that runs: DATABASE_URL; KAFKA_BROKERS; S3_ENDPOINT with S3_ACCESS_KEY and S3_SECRET_KEY;
GIGACHAT_BASE_URL with GIGACHAT_AUTH_URL and GIGACHAT_CREDENTIALS.`,
  )

program
  .command('up')
  .description('start the stack and stay until Ctrl-C')
  .argument('[parts...]', `of ${PART_NAMES.join(', ')}; all by default`, collectPart, [])
  .option('-d, --detach', 'leave it running in the background', false)
  .action((parts: PartName[], { detach }: { detach: boolean }) => {
    const wanted = parts.length > 0 ? parts : PART_NAMES
    return detach ? runUpDetached(wanted, fileURLToPath(import.meta.url), process.env) : runUp(wanted, process.env)
  })
program
  .command('down')
  .description('stop the stack')
  .option('--purge', 'also remove its data', false)
  .action((options: { purge: boolean }) => runDown(options, process.env))
program
  .command('status')
  .description('show where each part is and whether it answers; exit code 1 unless all do')
  .option('--json', 'as JSON', false)
  .action(async (options: { json: boolean }) => {
    if (!(await runStatus(options, process.env))) process.exitCode = 1
  })
program
  .command('logs')
  .description('print the end of a log')
  .argument('[part]', 'one part, or "stack" for the background process; all by default')
  .option('-f, --follow', 'go on until Ctrl-C', false)
  .option('-n, --lines <count>', 'how many lines', parseCount, 20)
  .action((part: string | undefined, options: LogsOptions) => runLogs(part, options, process.env))
program
  .command('env')
  .description("print the worker's settings for a shell")
  .action(() => runEnv(process.env))

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

function collectPart(value: string, previous: PartName[]): PartName[] {
  const part = PART_NAMES.find((name) => name === value)
  if (!part) throw new InvalidArgumentError(`It is one of ${PART_NAMES.join(', ')}.`)
  return [...previous, part]
}

function parseCount(value: string): number {
  const count = Number(value)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It is a whole number from 1.')
  return count
}
