import { DataSource } from 'typeorm'
import type { OriginalReference } from '#libs/contracts'
import { EvictingClient } from '../connection/evicting.client.js'
import { attemptEntity, queueEntity, runEntity, taskEntity, type AttemptRow, type QueueRow, type RunRow, type TaskRow } from './entities.js'

const QUERY_TIMEOUT_MS = 10_000

/** Everything that the ledger knows of one task, but for prompts and answers. */
export interface TaskHistory {
  readonly task: TaskRow
  /** Where it waits or who runs it; null once its run has ended. */
  readonly queue: QueueRow | null
  readonly attempts: readonly AttemptRow[]
  readonly runs: readonly RunRow[]
}

/** Reads for people: through TypeORM, on few connections of its own, never in the way of the hot statements. */
export class TaskReader implements AsyncDisposable {
  private constructor(private readonly source: DataSource) {}

  static async connect(url: string): Promise<TaskReader> {
    const source = new DataSource({
      type: 'postgres',
      url,
      entities: [taskEntity, queueEntity, attemptEntity, runEntity],
      synchronize: false,
      poolSize: 2,
      extra: { Client: EvictingClient, query_timeout: QUERY_TIMEOUT_MS, connectionTimeoutMillis: QUERY_TIMEOUT_MS },
    })
    return new TaskReader(await source.initialize())
  }

  /** null: no such task of this tenant. */
  async find(tenant: string, taskId: string): Promise<TaskHistory | null> {
    const place = await this.source.query<{ id: string; accepted_on: string }[]>(
      'SELECT id, accepted_on::text FROM task_identity WHERE tenant = $1 AND task_id = $2',
      [tenant, taskId],
    )
    if (place[0] === undefined) return null
    const { id, accepted_on: acceptedOn } = place[0]
    const task = await this.source.getRepository(taskEntity).findOneBy({ acceptedOn, id })
    if (task === null) return null
    const queue = await this.source.getRepository(queueEntity).findOneBy({ id })
    const attempts = await this.source
      .getRepository(attemptEntity)
      .find({ where: { acceptedOn, taskNumber: id }, order: { run: 'ASC', number: 'ASC' } })
    const runs = await this.source.getRepository(runEntity).find({ where: { acceptedOn, taskNumber: id }, order: { run: 'ASC' } })
    return { task, queue, attempts, runs }
  }

  /** The value of a record that was too large for its dead letter. null: retention has taken it. */
  async readOriginal(reference: OriginalReference): Promise<Buffer | null> {
    const rows = await (reference.table === 'task'
      ? this.source.query<{ value: Buffer }[]>('SELECT payload AS value FROM task WHERE accepted_on = $1 AND id = $2', [
          reference.accepted_on,
          reference.id,
        ])
      : this.source.query<{ value: Buffer }[]>(
          'SELECT value FROM rejected_delivery WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND sha256(value) = decode($4, \'hex\')',
          [reference.topic, reference.partition, reference.offset, reference.sha256],
        ))
    return rows[0]?.value ?? null
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.source.destroy()
  }
}
