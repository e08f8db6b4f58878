import type { MigrationInterface, QueryRunner } from 'typeorm'

/** How many runs were opened and how they ended, counted in the statements that do it. It only adds. */
export class Books1700000000009 implements MigrationInterface {
  name = 'Books1700000000009'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement)
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: restore a backup to go back')
  }
}

const STATEMENTS = [
  // Each backend has rows of its own, so that nobody ever waits for another one here.
  `CREATE TABLE ledger_book (
     backend  integer NOT NULL,
     event    text NOT NULL CHECK (event IN ('accepted', 'redriven', 'rejected', 'succeeded', 'failed', 'cancelled', 'expired')),
     amount   bigint NOT NULL,
     PRIMARY KEY (backend, event)
   ) WITH (fillfactor = 50)`,
  // What was there before: runs that are not the first of their task were redriven.
  `INSERT INTO ledger_book (backend, event, amount)
   SELECT 0, outcome, count(*) FROM run_record GROUP BY outcome
   UNION ALL SELECT 0, 'accepted', count(*) FROM task
   UNION ALL SELECT 0, 'rejected', count(*) FROM rejected_delivery
   UNION ALL SELECT 0, 'redriven', (SELECT count(*) FROM run_record) + (SELECT count(*) FROM task_queue) - (SELECT count(*) FROM task)`,
]
