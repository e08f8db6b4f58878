import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Several rejections of one place in Kafka: a topic that is made anew has the same places again. The last release runs on it too. */
export class Rejections1700000000007 implements MigrationInterface {
  name = 'Rejections1700000000007'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement)
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: restore a backup to go back')
  }
}

const STATEMENTS = [
  // Everybody waits behind whoever waits for it: better to give up and be run again.
  `SET LOCAL lock_timeout = '3s'`,

  // The id of the event is made of the place and of the bytes.
  `ALTER TABLE rejected_delivery DROP CONSTRAINT rejected_delivery_pkey, ADD PRIMARY KEY (topic, partition, "offset", dead_letter_event_id)`,
  // Which of them; null in rows of the last release.
  `ALTER TABLE outbox ADD COLUMN event_id uuid`,
]
