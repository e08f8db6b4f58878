import { EXIT_NOT_FOUND, EXIT_REFUSED } from '../exit-codes.js'
import type { Operators } from '../open-operators.js'
import type { OutputFormat } from '../operator-options.js'
import { print } from '../print.js'
import { describeRedrive } from './describe-redrive.js'

/** Puts the tasks of a redrive into the queue and tells how it stands then. Whatever breaks off here is resumed by its number. */
export async function runToEnd(id: number, { redrives }: Operators, output: OutputFormat): Promise<void> {
  const progress = await redrives
    .run(id, ({ started, waiting }) => process.stderr.write(`redrive ${id}: ${started} in the queue, ${waiting} to go\n`))
    .catch((error: unknown) => {
      throw new Error(`redrive ${id} broke off: go on with "sluice dead-letters resume ${id}"`, { cause: error })
    })
  const status = progress && (await redrives.status(id))
  if (!status) {
    tellUnknown(id)
    return
  }
  print(status, output, describeRedrive)
  if (status.refused > 0 || status.state === 'stopped') process.exitCode = EXIT_REFUSED
}

export function tellUnknown(id: number): void {
  process.stderr.write(`no redrive ${id}: "sluice dead-letters status" lists the last ones\n`)
  process.exitCode = EXIT_NOT_FOUND
}
