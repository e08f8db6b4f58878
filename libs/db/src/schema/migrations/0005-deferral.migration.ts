import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Why and how often a run waits, and which tasks are suspected of killing their workers. It only adds: the last release runs on it too. */
export class Deferral1700000000005 implements MigrationInterface {
  name = 'Deferral1700000000005'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement)
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: restore a backup to go back')
  }
}

const STATEMENTS = [
  // Adding a column takes a moment, but everybody waits behind whoever waits for it: better to give up and be run again.
  `SET LOCAL lock_timeout = '3s'`,

  // The class of the last deferral, and how many in a row had it: the step of its schedule.
  `ALTER TABLE task_queue ADD COLUMN deferral_class text, ADD COLUMN deferrals integer NOT NULL DEFAULT 0`,
]
