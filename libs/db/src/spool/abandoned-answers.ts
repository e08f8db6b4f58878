import { Logger } from '@nestjs/common'
import { classifyError, describeCauses } from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { SpoolFolder } from './spool.folder.js'
import { SpoolRecovery, type SpoolReport } from './spool.recovery.js'
import { SpoolStore } from './spool.store.js'

/**
 * Brings in what dead processes of this machine have spooled: at start before anything is claimed, and before this replica frees the tasks
 * of dead ones, whose calls would else look as if they had got no answer.
 */
export class AbandonedAnswers {
  private readonly logger = new Logger(AbandonedAnswers.name)
  private readonly recovery: SpoolRecovery | undefined
  private lastProblem: string | undefined

  /** Without a folder it does nothing. */
  constructor(pool: HotPool, parentFolder: string | undefined) {
    this.recovery =
      parentFolder === undefined
        ? undefined
        : new SpoolRecovery(new SpoolFolder(parentFolder), new SpoolStore(pool), (report) => this.tell(report))
  }

  /** Throws TaskError `ledger_unavailable`. A folder that cannot be read must not keep the service down: it is told once. */
  async bringIn(): Promise<void> {
    try {
      await this.recovery?.run()
      this.lastProblem = undefined
    } catch (error) {
      if (classifyError(error).code === 'ledger_unavailable') throw error
      const [problem] = describeCauses(error)
      if (this.lastProblem !== problem) this.logger.error('spooled answers of dead processes could not be read', { error })
      this.lastProblem = problem
    }
  }

  private tell({ path, ...report }: SpoolReport): void {
    if (path === undefined && !report.isTorn) this.logger.log('answers of a dead process were stored', report)
    else if (path === undefined) this.logger.warn('answers of a dead process were stored; the last one was torn', report)
    else if (report.stored + report.refused === 0 && report.unknown > 0)
      this.logger.warn('spooled answers are of another ledger, and were left', { path, ...report })
    else this.logger.error('some answers of a dead process could not be stored; their file was set aside', { path, ...report })
  }
}
