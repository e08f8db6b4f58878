import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Redrives of dead letters: what was chosen, how far it has come, and what a redriven run may start from. It only adds: the last release runs on it too. */
export class Redrive1700000000003 implements MigrationInterface {
  name = 'Redrive1700000000003'

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

  // The first run whose answers this run may be finished from: 1 for any, its own number where a redrive has to call again.
  `ALTER TABLE task_queue ADD COLUMN answers_from integer NOT NULL DEFAULT 1, ADD COLUMN redrive_id bigint`,
  `CREATE INDEX task_queue_redrive ON task_queue (redrive_id, id) WHERE redrive_id IS NOT NULL`,

  // starting: items are being put into the queue. started: none is left. stopped: by an operator; what had not begun was taken back.
  `CREATE TABLE redrive (
     id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     state            text NOT NULL DEFAULT 'starting' CHECK (state IN ('starting', 'started', 'stopped')),
     actor            text NOT NULL,
     reason           text NOT NULL,
     selection        jsonb NOT NULL,
     call_again       boolean NOT NULL,
     rate_per_second  real NOT NULL CHECK (rate_per_second > 0),
     created_at       timestamptz NOT NULL DEFAULT now(),
     next_run_at      timestamptz NOT NULL DEFAULT now()
   )`,
  `CREATE INDEX redrive_age ON redrive (created_at)`,

  // The tasks that a redrive has chosen when it was made, in their order; run is the one that has failed. estimated_tokens is 0 where a
  // stored answer is used. waiting -> started | refused | taken_back; started -> taken_back
  `CREATE TABLE redrive_item (
     redrive_id        bigint NOT NULL REFERENCES redrive ON DELETE CASCADE,
     position          integer NOT NULL,
     accepted_on       date NOT NULL,
     task_number       bigint NOT NULL,
     run               integer NOT NULL,
     tenant            text NOT NULL,
     task_id           text NOT NULL,
     estimated_tokens  integer NOT NULL,
     state             text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'started', 'refused', 'taken_back')),
     refusal           text,
     PRIMARY KEY (redrive_id, position)
   )`,
  `CREATE INDEX redrive_item_waiting ON redrive_item (redrive_id, position) WHERE state = 'waiting'`,
  `CREATE INDEX redrive_item_task ON redrive_item (redrive_id, task_number)`,
]
