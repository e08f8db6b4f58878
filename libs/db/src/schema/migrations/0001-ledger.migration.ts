import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The ledger. Narrow tables (`task_queue`, `task_identity`, `outbox`, `worker_lease`, `ordering_key`) are hot and stay small; wide ones are
 * partitioned by the day on which a task was accepted, so that all rows of a task lie in one day and a day is dropped as a whole.
 * docs/ledger.md describes every table.
 */
export class Ledger1700000000001 implements MigrationInterface {
  name = 'Ledger1700000000001'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement)
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: restore a backup to go back')
  }
}

const STATEMENTS = [
  `CREATE SEQUENCE task_number`,

  // The id of a lease is the fence on every transition of the tasks that are held under it.
  `CREATE TABLE worker_lease (
     id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     worker      text NOT NULL,
     state       text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'reaped')),
     started_at  timestamptz NOT NULL DEFAULT now(),
     renewed_at  timestamptz NOT NULL DEFAULT now(),
     expires_at  timestamptz NOT NULL,
     ended_at    timestamptz
   ) WITH (fillfactor = 50)`,
  `CREATE INDEX worker_lease_held ON worker_lease (expires_at) WHERE state = 'held'`,

  `CREATE TABLE task_identity (
     tenant        text COLLATE "C" NOT NULL,
     task_id       text COLLATE "C" NOT NULL,
     id            bigint NOT NULL,
     accepted_on   date NOT NULL,
     payload_hash  bytea NOT NULL,
     topic         text NOT NULL,
     partition     integer NOT NULL,
     "offset"      bigint NOT NULL,
     PRIMARY KEY (tenant, task_id)
   )`,
  `CREATE INDEX task_identity_age ON task_identity USING brin (accepted_on)`,

  `CREATE TABLE task (
     accepted_on       date NOT NULL,
     id                bigint NOT NULL,
     tenant            text NOT NULL,
     task_id           text NOT NULL,
     type              text NOT NULL,
     priority          smallint NOT NULL,
     topic             text NOT NULL,
     partition         integer NOT NULL,
     "offset"          bigint NOT NULL,
     record_key        bytea,
     ordering_key      bytea,
     payload           bytea NOT NULL,
     traceparent       text,
     correlation_id    text,
     deadline          timestamptz,
     provider          text NOT NULL,
     model             text NOT NULL,
     has_files         boolean NOT NULL,
     estimated_tokens  integer NOT NULL,
     accepted_at       timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (accepted_on, id)
   ) PARTITION BY RANGE (accepted_on)`,

  // One row for each unfinished task. lease_id and claims together are the fence on its transitions: a replica may claim a task again
  // under the same lease. prepare: it must be looked at before an attempt may be opened (files, or an end as maybe_paid).
  `CREATE TABLE task_queue (
     id                bigint PRIMARY KEY,
     accepted_on       date NOT NULL,
     tenant            text NOT NULL,
     type              text NOT NULL,
     provider          text NOT NULL,
     model             text NOT NULL,
     priority          smallint NOT NULL,
     state             text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'held')),
     is_head           boolean NOT NULL DEFAULT true,
     prepare           boolean NOT NULL DEFAULT false,
     run_at            timestamptz NOT NULL DEFAULT now(),
     reason            text,
     run               integer NOT NULL DEFAULT 1,
     sends             integer NOT NULL DEFAULT 0,
     attempts          integer NOT NULL DEFAULT 0,
     maybe_paid        integer NOT NULL DEFAULT 0,
     crashes           integer NOT NULL DEFAULT 0,
     claims            integer NOT NULL DEFAULT 0,
     lease_id          bigint,
     ordering_key      bytea,
     ordering_offset   bigint,
     size_bytes        integer NOT NULL,
     estimated_tokens  integer NOT NULL,
     deadline          timestamptz,
     settings_version  integer NOT NULL DEFAULT 1,
     prompt_version    text,
     CHECK ((state = 'running') = (lease_id IS NOT NULL))
   ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
           autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000)`,
  `CREATE INDEX task_queue_due ON task_queue (priority, run_at, id) WHERE state = 'pending' AND is_head`,
  `CREATE INDEX task_queue_running ON task_queue (lease_id, id) WHERE state = 'running'`,
  `CREATE INDEX task_queue_order ON task_queue (ordering_key, ordering_offset, id) WHERE ordering_key IS NOT NULL`,
  // A key has at most one head: the only one of its tasks that may be claimed.
  `CREATE UNIQUE INDEX task_queue_head ON task_queue (ordering_key) WHERE is_head AND ordering_key IS NOT NULL`,
  `CREATE INDEX task_queue_held ON task_queue (id) WHERE state = 'held'`,

  // Its rows are the locks of their keys, and count the results of each key.
  `CREATE TABLE ordering_key (
     ordering_key   bytea PRIMARY KEY,
     last_sequence  bigint NOT NULL DEFAULT 0,
     touched_on     date NOT NULL
   ) WITH (fillfactor = 70)`,

  `CREATE TABLE attempt (
     accepted_on   date NOT NULL,
     task_number   bigint NOT NULL,
     run           integer NOT NULL,
     number        integer NOT NULL,
     id            uuid NOT NULL,
     counted       boolean NOT NULL,
     state         text NOT NULL DEFAULT 'sending' CHECK (state IN ('sending', 'not_sent', 'refused', 'answered', 'maybe_paid')),
     provider      text NOT NULL,
     model         text NOT NULL,
     lease_id      bigint NOT NULL,
     reserved_tokens integer NOT NULL,
     opened_at     timestamptz NOT NULL DEFAULT now(),
     ended_at      timestamptz,
     http_status   integer,
     error_code    text,
     excerpt       text,
     PRIMARY KEY (accepted_on, task_number, run, number)
   ) PARTITION BY RANGE (accepted_on)`,

  `CREATE TABLE answer (
     accepted_on   date NOT NULL,
     task_number   bigint NOT NULL,
     attempt_id    uuid NOT NULL,
     run           integer NOT NULL,
     attempt       integer NOT NULL,
     status        integer NOT NULL,
     headers       json NOT NULL,
     body          bytea NOT NULL,
     duration_ms   integer NOT NULL,
     received_at   timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (accepted_on, task_number, attempt_id)
   ) PARTITION BY RANGE (accepted_on)`,

  // The terminal record of a run. Inserted once, never changed.
  `CREATE TABLE run_record (
     accepted_on           date NOT NULL,
     task_number           bigint NOT NULL,
     run                   integer NOT NULL,
     outcome               text NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'cancelled', 'expired')),
     attempts              integer NOT NULL,
     finished_at           timestamptz NOT NULL DEFAULT now(),
     lease_id              bigint,
     error_code            text,
     error_message         text,
     error_fingerprint     text,
     error_retryable       boolean,
     prompt_tokens         integer,
     completion_tokens     integer,
     precached_tokens      integer,
     model                 text,
     finish_reason         text,
     output_ref            jsonb,
     settings_version      integer NOT NULL,
     prompt_version        text,
     key_sequence          bigint,
     result_event_id       uuid NOT NULL,
     result_event          bytea NOT NULL,
     dead_letter_event_id  uuid,
     dead_letter_event     bytea,
     PRIMARY KEY (accepted_on, task_number, run)
   ) PARTITION BY RANGE (accepted_on)`,
  `CREATE INDEX run_record_failed ON run_record (error_fingerprint, accepted_on, task_number) WHERE outcome = 'failed'`,

  `CREATE TABLE rejected_delivery (
     topic                 text NOT NULL,
     partition             integer NOT NULL,
     "offset"              bigint NOT NULL,
     record_key            bytea,
     value                 bytea,
     error_code            text NOT NULL,
     error_message         text NOT NULL,
     dead_letter_event_id  uuid NOT NULL,
     dead_letter_event     bytea NOT NULL,
     received_at           timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (topic, partition, "offset")
   )`,
  `CREATE INDEX rejected_delivery_age ON rejected_delivery (received_at)`,

  // What must still be published. The messages themselves lie in run_record and rejected_delivery.
  `CREATE TABLE outbox (
     id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     channel      text NOT NULL CHECK (channel IN ('results', 'dead_letters')),
     accepted_on  date,
     task_number  bigint,
     run          integer,
     topic        text,
     partition    integer,
     "offset"     bigint,
     created_at   timestamptz NOT NULL DEFAULT now(),
     CHECK ((task_number IS NULL) <> (topic IS NULL))
   ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)`,

  `CREATE TABLE audit_record (
     id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     at          timestamptz NOT NULL DEFAULT now(),
     actor       text NOT NULL,
     reason      text NOT NULL,
     action      text NOT NULL,
     target      jsonb NOT NULL,
     before      jsonb,
     after       jsonb,
     request_id  text
   )`,
  `CREATE INDEX audit_record_at ON audit_record (at, id)`,
]
