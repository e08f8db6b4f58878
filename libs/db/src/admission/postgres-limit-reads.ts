import { LimitReads, type LimitFacts, type LimitKeys, type WaitingLane } from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { listWaitingLanes, readLimitFacts } from './limit-facts.statements.js'

export class PostgresLimitReads extends LimitReads {
  constructor(private readonly pool: HotPool) {
    super()
  }

  read(keys: LimitKeys): Promise<LimitFacts> {
    return readLimitFacts(this.pool, keys)
  }

  listWaitingLanes(maxTasks: number): Promise<WaitingLane[]> {
    return listWaitingLanes(this.pool, maxTasks)
  }
}
