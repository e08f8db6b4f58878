import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What a run must remember of itself when another dispatch, or another replica, goes on with it. It only adds: the last release runs on it too. */
export class RunMemory1700000000002 implements MigrationInterface {
  name = 'RunMemory1700000000002'

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

  // In the order in which a claim takes them.
  // The one attempt of a run that counts for nothing, after a token was refused.
  `ALTER TABLE task_queue ADD COLUMN free_attempt_used boolean NOT NULL DEFAULT false`,

  // The template (name@version) with which the answer was made. The run may be finished from it after the template has changed.
  `ALTER TABLE answer ADD COLUMN prompt_version text`,
]
