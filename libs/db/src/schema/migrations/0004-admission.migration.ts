import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What all replicas know together about limits: streams of the provider and who holds them, and the breakers of its models. */
export class Admission1700000000004 implements MigrationInterface {
  name = 'Admission1700000000004'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement)
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: restore a backup to go back')
  }
}

const STATEMENTS = [
  `SET LOCAL lock_timeout = '3s'`,

  // Its rows are the locks of their grants. adaptive_limit: how many streams the provider seems to bear; null where it is not known to
  // bear fewer than are configured.
  `CREATE TABLE stream_gate (
     gate            text COLLATE "C" PRIMARY KEY,
     adaptive_limit  real,
     changed_at      timestamptz
   )`,
  // What a worker has of a gate. It counts only while its lease is held.
  `CREATE TABLE stream_grant (
     gate           text COLLATE "C" NOT NULL,
     lease_id       bigint NOT NULL,
     streams        integer NOT NULL,
     in_use         integer NOT NULL,
     wanted         integer NOT NULL,
     starved_since  timestamptz,
     PRIMARY KEY (gate, lease_id)
   ) WITH (fillfactor = 50)`,
  // A route without a row is closed.
  `CREATE TABLE route_breaker (
     provider        text NOT NULL,
     model           text NOT NULL,
     status          text NOT NULL DEFAULT 'closed' CHECK (status IN ('closed', 'open', 'half_open')),
     failures        integer NOT NULL DEFAULT 0,
     reason          text,
     open_ms         integer NOT NULL DEFAULT 0,
     opened_at       timestamptz,
     open_until      timestamptz,
     probe_lease_id  bigint,
     PRIMARY KEY (provider, model)
   )`,

  // Requests and tokens of a minute, budgets of a day (UTC). A meter that is not daily has its row at 1970-01-01.
  `CREATE TABLE usage_meter (
     meter       text COLLATE "C" NOT NULL,
     day         date NOT NULL,
     amount      float8,
     changed_at  timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (meter, day)
   ) WITH (fillfactor = 50)`,
  // metered_on: the day whose budgets the attempt was taken from; null where its lane has no meters. booked_tokens: what it is taken to
  // have used; booked_at: when that was given to its meters.
  `ALTER TABLE attempt ADD COLUMN reserved_max_tokens integer, ADD COLUMN reserved_money float8, ADD COLUMN metered_on date,
     ADD COLUMN booked_tokens integer, ADD COLUMN booked_money float8, ADD COLUMN booked_at timestamptz`,

  // Tasks are claimed lane by lane. Replicas of the last release claim without it, only slower while the queue is long.
  `CREATE INDEX task_queue_lane ON task_queue (provider, model, tenant, priority, run_at, id) WHERE state = 'pending' AND is_head`,
  `DROP INDEX task_queue_due`,
  `CREATE INDEX task_queue_deadline ON task_queue (deadline) WHERE state = 'pending' AND deadline IS NOT NULL`,
]
