import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Which tasks are suspected of killing their workers. It only adds: the last release runs on it too. */
export class Suspects1700000000006 implements MigrationInterface {
  name = 'Suspects1700000000006'

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

  // Set while it is not known whether a task kills its workers (suspect.statements.ts), with the deaths that it has met since its last
  // try came to an end. Nearly always none is.
  `ALTER TABLE task_queue ADD COLUMN suspect_since timestamptz, ADD COLUMN deaths integer NOT NULL DEFAULT 0`,
  `CREATE INDEX task_queue_suspects ON task_queue (crashes, suspect_since, id) WHERE suspect_since IS NOT NULL`,
  // Deaths used to count against everything that a worker held.
  `UPDATE task_queue SET crashes = 0 WHERE crashes > 0`,
]
