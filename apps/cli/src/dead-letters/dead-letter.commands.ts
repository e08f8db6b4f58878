import type { Command } from 'commander'
import type { Environment } from '#libs/config'
import { runDeadLetterOriginal } from './dead-letter-original.command.js'

export function addDeadLetterCommands(program: Command, env: Environment): void {
  const deadLetters = program.command('dead-letters').alias('dead-letter').description('look at dead letters, and redrive them')
  deadLetters
    .command('original')
    .description('print the value of the record that a dead letter is about, from the letter itself or from the ledger')
    .argument('[file]', 'the dead letter as it lies on its topic, in JSON; stdin where left out')
    .action((file: string | undefined) => runDeadLetterOriginal(file, env))
}
