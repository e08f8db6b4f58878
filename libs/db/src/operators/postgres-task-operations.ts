import { TaskOperations } from '#libs/kernel'
import type { CancelledEnd, CancelledTask, Change, NamedTask, TaskFilter, UnfinishedTask } from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { NOTIFY_DUE } from '../ledger/due-tasks.js'
import { cancelTask } from './cancel.statements.js'
import { moveTasks, releaseTasks } from './move.statements.js'
import { countTasks, findTasks, listTasks } from './task-list.statements.js'

/** Tasks of one statement: its row locks last for some milliseconds. */
const BATCH = 500

export class PostgresTaskOperations extends TaskOperations {
  constructor(private readonly pool: HotPool) {
    super()
  }

  list(filter: TaskFilter, limit: number): Promise<UnfinishedTask[]> {
    return listTasks(this.pool, filter, limit)
  }

  count(filter: TaskFilter): Promise<number> {
    return countTasks(this.pool, filter)
  }

  find(tenant: string, taskIds: readonly string[]): Promise<NamedTask[]> {
    return findTasks(this.pool, tenant, taskIds)
  }

  cancel(id: number, makeEnd: (task: CancelledTask) => CancelledEnd, change: Change): Promise<boolean> {
    return cancelTask(this.pool, { id, makeEnd, change })
  }

  move(ids: readonly number[], runAt: Date | null, change: Change): Promise<number[]> {
    return this.inBatches(ids, (batch) => moveTasks(this.pool, batch, runAt, change))
  }

  release(ids: readonly number[], change: Change): Promise<number[]> {
    return this.inBatches(ids, (batch) => releaseTasks(this.pool, batch, change))
  }

  private async inBatches(ids: readonly number[], work: (batch: readonly number[]) => Promise<number[]>): Promise<number[]> {
    const done: number[] = []
    for (let start = 0; start < ids.length; start += BATCH) done.push(...(await work(ids.slice(start, start + BATCH))))
    // Only a hint: the workers' slow poll would find them too.
    if (done.length > 0) await this.pool.run(NOTIFY_DUE, [])
    return done
  }
}
