import type { MigrationInterface, QueryRunner } from 'typeorm'

/** When a limit was last lowered, besides when it last changed. It only adds: the last release runs on it too. */
export class LoweredLimits1700000000008 implements MigrationInterface {
  name = 'LoweredLimits1700000000008'

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

  // Calls that were sent before say nothing of the lower limit; of one that was raised since they do.
  `ALTER TABLE stream_gate ADD COLUMN lowered_at timestamptz`,
]
