import { SystemClock, TaskError, WorkerLease, type Ledger } from '#libs/kernel'
import { PortPolicies, ResilienceEvents } from '#libs/resilience'
import type { LedgerReader } from '#tools/rig'
import { HotPool, type Row, type Statement, type StatementRunner } from '../../libs/db/src/connection/hot-pool.js'
import type { DbSettings } from '../../libs/db/src/db.settings.js'
import {
  acquireLease,
  listOtherLeases,
  reapLeases,
  releaseLease,
  renewLease,
  type FreedTasks,
} from '../../libs/db/src/lease/lease.statements.js'
import type { DueTasks } from '../../libs/db/src/ledger/due-tasks.js'
import { PostgresLedger } from '../../libs/db/src/ledger/postgres-ledger.js'
import type { ReplicaName } from './ledger.step.js'
import { LedgerWorld, type WorldReplica, type WorldState } from './ledger.world.js'
import { CLEAN, SNAPSHOT } from './postgres.snapshot.js'

const HOUR_MS = 3_600_000

/** Commits, and then may lose the answer: whoever asked cannot know what has happened. */
export class ForgetfulPool extends HotPool {
  loseAnswer = false

  override async run<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<T[]> {
    return this.answer(await super.run<T>(statement, values))
  }

  override async transaction<T>(work: (transaction: StatementRunner) => Promise<T>): Promise<T> {
    return this.answer(await super.transaction(work))
  }

  private answer<T>(result: T): T {
    if (!this.loseAnswer) return result
    this.loseAnswer = false
    throw TaskError.unavailable('ledger_unavailable', 'the answer was lost')
  }
}

/** A lease that is only renewed when a step says so. */
class SteppedLease extends WorkerLease {
  readonly isFresh = true

  constructor(public fence: number) {
    super()
  }

  signal(): AbortSignal {
    return new AbortController().signal
  }
}

interface Member extends WorldReplica {
  readonly ledger: Ledger
  readonly lease: SteppedLease
}

/** What outlives a sequence of steps. */
export interface PostgresServer {
  readonly sql: LedgerReader
  readonly pool: ForgetfulPool
  /** Has a pool of its own: what it tells others is no answer that could be lost. */
  readonly due: DueTasks
  readonly settings: DbSettings
}

/** The real ledger as a world, on an emptied database. */
export class PostgresWorld extends LedgerWorld {
  private constructor(
    private readonly server: PostgresServer,
    private readonly members: Record<ReplicaName, Member>,
  ) {
    super()
  }

  static async open(server: PostgresServer): Promise<PostgresWorld> {
    server.pool.loseAnswer = false
    await server.sql.rows(CLEAN)
    return new PostgresWorld(server, { A: await makeMember(server), B: await makeMember(server) })
  }

  replica(name: ReplicaName): WorldReplica {
    return this.members[name]
  }

  tick(): void {}

  async expire(name: ReplicaName): Promise<void> {
    await this.server.sql.rows(`UPDATE worker_lease SET expires_at = now() - interval '1 ms' WHERE id = $1 AND state = 'held'`, [
      this.members[name].lease.fence,
    ])
  }

  async renew(name: ReplicaName): Promise<boolean> {
    const { lease } = this.members[name]
    if (await renewLease(this.server.pool, lease.fence, HOUR_MS)) return true
    lease.fence = await takeLease(this.server)
    return false
  }

  async reap(name: ReplicaName): Promise<FreedTasks> {
    const others = await listOtherLeases(this.server.pool, this.members[name].lease.fence)
    return this.settle(
      await reapLeases(
        this.server.pool,
        others.map(({ id }) => id),
      ),
    )
  }

  async stop(name: ReplicaName): Promise<FreedTasks> {
    const freed = await releaseLease(this.server.pool, this.members[name].lease.fence)
    this.members[name] = await makeMember(this.server)
    return this.settle(freed)
  }

  async kill(name: ReplicaName): Promise<void> {
    this.members[name] = await makeMember(this.server)
  }

  async makeDue(): Promise<void> {
    await this.server.sql.rows(`UPDATE task_queue SET run_at = now() WHERE state = 'pending' AND run_at > now()`)
  }

  async ageMessages(): Promise<void> {
    await this.server.sql.rows(`UPDATE outbox SET created_at = created_at - interval '2 hours'`)
  }

  async read(): Promise<WorldState> {
    return this.server.sql.value<WorldState>(SNAPSHOT)
  }

  private async settle(freed: FreedTasks): Promise<FreedTasks> {
    await this.server.sql.rows(`UPDATE task_queue SET run_at = now() WHERE state = 'pending' AND reason = 'lease_lost'`)
    return freed
  }
}

async function makeMember(server: PostgresServer): Promise<Member> {
  const { pool, due, settings } = server
  const lease = new SteppedLease(await takeLease(server))
  // With no time for a lost claim to come in late, the next claim finds out what is held, and that is the end of it.
  const policies = new PortPolicies(new ResilienceEvents(), new SystemClock(), Math.random)
  const persistence = policies.makeEndlessPolicy({ port: 'postgres', retry: settings.retry })
  const ledger = new PostgresLedger(pool, lease, due, { ...settings, persistence, statementTimeoutMs: 0 })
  return { ledger, lease, lose: () => (pool.loseAnswer = true) }
}

function takeLease({ pool }: PostgresServer): Promise<number> {
  return acquireLease(pool, 'model', HOUR_MS)
}
