import { Logger } from '@nestjs/common'
import type { ClaimedTask, Ledger, WorkerLease } from '#libs/kernel'

const LOOK_MS = 1_000

export interface LateTasksOptions {
  readonly ledger: Pick<Ledger, 'claimLate'>
  readonly lease: Pick<WorkerLease, 'isFresh'>
  /** Of one claim. */
  readonly limit: number
  /** Takes them in hand: they hold no stream, and end as expired. */
  readonly start: (tasks: readonly ClaimedTask[]) => void
}

/**
 * Ends tasks whose deadline has passed while nobody may claim them: their route is closed, their budget is used up, all streams are busy.
 * Looks each second, one look at a time; while PostgreSQL is away a look fails and the next one comes.
 */
export class LateTasks {
  private readonly log = new Logger(LateTasks.name)
  private timer: NodeJS.Timeout | undefined
  private look: Promise<void> | undefined

  constructor(private readonly options: LateTasksOptions) {}

  start(): void {
    this.timer = setInterval(() => {
      this.look ??= this.claim().finally(() => (this.look = undefined))
    }, LOOK_MS)
  }

  /** Resolves when no look is under way any more. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.look
  }

  private async claim(): Promise<void> {
    const { ledger, lease, limit, start } = this.options
    if (!lease.isFresh) return
    try {
      const tasks = await ledger.claimLate(limit)
      if (tasks.length > 0) start(tasks)
    } catch (error) {
      this.log.debug('late tasks could not be claimed', { error })
    }
  }
}
