import { Logger } from '@nestjs/common'
import type { DbSettings } from '../db.settings.js'
import type { PostgresLedger } from '../ledger/postgres-ledger.js'
import { AnswerSpool } from './answer.spool.js'
import { SpoolFolder } from './spool.folder.js'

/** Brings the spool of this process up and down, where it is on, and tells of it. */
export class SpoolLifecycle {
  private readonly logger = new Logger(SpoolLifecycle.name)
  private readonly spool: AnswerSpool | undefined

  constructor({ waitingAnswers }: PostgresLedger, { parentFolder, ...options }: DbSettings['spool']) {
    if (parentFolder === undefined) return
    this.spool = new AnswerSpool(new SpoolFolder(parentFolder), waitingAnswers, options)
    const { events } = this.spool
    events.on('opened', () => this.logger.warn('answers that PostgreSQL does not take are written to the spool'))
    events.on('emptied', () => this.logger.log('all spooled answers are in the ledger'))
    events.on('full', (sizeBytes) => this.logger.error('the spool is full: further answers wait in memory only', { sizeBytes }))
    events.on('set_aside', (path) => this.logger.error('PostgreSQL refused a spooled answer; its file was set aside', { path }))
    events.on('error', (error) => this.logger.error('answers could not be written to the spool', { error }))
  }

  /** The file of this process. */
  get use(): { readonly answers: number; readonly bytes: number } {
    return { answers: this.spool?.count ?? 0, bytes: this.spool?.sizeBytes ?? 0 }
  }

  /** Never rejects: without a folder the service works as well as it can. Idempotent. */
  async start(): Promise<void> {
    await this.spool
      ?.start()
      .catch((error: unknown) => this.logger.error('there is no spool for answers: they wait in memory only', { error }))
  }

  /** Before the ledger stops: what it has not stored by then is written down. */
  async stop(): Promise<void> {
    await this.spool?.stop()
  }
}
