import { EventEmitter } from 'node:events'
import type { WaitingAnswer, WaitingAnswers } from '../ledger/waiting-answers.js'
import { SpoolFile } from './spool.file.js'
import type { SpoolFolder } from './spool.folder.js'
import { encodeSpoolRecord } from './spool-record.js'

export interface AnswerSpoolOptions {
  /** Answers that have waited for longer than this are written down. */
  readonly afterMs: number
  /** Of all files in the folder, those of other processes included. */
  readonly maxBytes: number
}

interface AnswerSpoolEvents {
  /** The first answers of an absence of PostgreSQL are on the disk. */
  opened: []
  /** All of them are in the ledger now. */
  emptied: []
  /** Further answers wait in memory only. */
  full: [sizeBytes: number]
  /** PostgreSQL refused some of them for ever. */
  set_aside: [path: string]
  error: [error: unknown]
}

const MAX_INTERVAL_MS = 1_000

/**
 * Writes answers that wait for an absent PostgreSQL to a file, so that they survive this process. They wait in memory all the same and are
 * stored from there; the file is only read when its process is dead.
 *
 * empty -> open    an answer has waited for too long: a file is made, and each such answer is appended and synced
 * open -> empty    none of the file's answers waits any more: it is removed, or set aside where PostgreSQL refused one of them
 * open -> left     at a stop, after all that still waits was appended: the next process stores it
 *
 * While PostgreSQL is there it does nothing but look at the oldest answer, once a second at most.
 */
export class AnswerSpool {
  readonly events = new EventEmitter<AnswerSpoolEvents>()
  private readonly written = new Set<WaitingAnswer>()
  private file: SpoolFile | undefined
  private othersBytes = 0
  private isFull = false
  private hasRefused = false
  private timer: NodeJS.Timeout | undefined
  private busy: Promise<void> | undefined
  private stopped = false

  constructor(
    private readonly folder: SpoolFolder,
    private readonly waiting: WaitingAnswers,
    private readonly options: AnswerSpoolOptions,
  ) {
    // An emitter without this listener would throw what it reports.
    this.events.on('error', () => {})
    waiting.onSettled((answer, fate) => {
      if (fate === 'abandoned' || !this.written.delete(answer)) return
      if (fate === 'refused') this.hasRefused = true
    })
  }

  /** Answers in the file that wait. */
  get count(): number {
    return this.written.size
  }

  get sizeBytes(): number {
    return this.file?.sizeBytes ?? 0
  }

  /** Idempotent. Throws when the folder cannot be used. */
  async start(): Promise<void> {
    if (this.timer || this.stopped) return
    await this.folder.prepare()
    const { afterMs } = this.options
    this.timer = setInterval(() => void this.look(afterMs), Math.min(MAX_INTERVAL_MS, Math.max(10, afterMs / 4)))
  }

  /** Writes down whatever waits, since nobody will store it any more. Idempotent; never rejects. */
  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    clearInterval(this.timer)
    await this.busy
    if (this.timer) await this.look(0)
    const { file } = this
    this.file = undefined
    await file?.leave().catch((error: unknown) => void this.events.emit('error', error))
  }

  private look(ageMs: number): Promise<void> {
    this.busy ??= this.advance(ageMs)
      .catch((error: unknown) => void this.events.emit('error', error))
      .finally(() => (this.busy = undefined))
    return this.busy
  }

  private async advance(ageMs: number): Promise<void> {
    const fresh = this.waiting.olderThan(ageMs).filter((answer) => !this.written.has(answer))
    if (fresh.length > 0) await this.write(fresh)
    if (this.file && this.written.size === 0) await this.empty(this.file)
  }

  private async write(answers: readonly WaitingAnswer[]): Promise<void> {
    const file = this.file ?? (await this.open())
    for (const answer of answers) {
      // It may have been stored while the ones before it were written.
      if (!this.waiting.has(answer)) continue
      const record = encodeSpoolRecord(answer.received)
      if (this.othersBytes + file.sizeBytes + record.length > this.options.maxBytes) {
        this.reportFull(file)
        continue
      }
      await this.append(file, answer, record)
    }
  }

  /** Counted before it is written: whoever stores it meanwhile takes it out again. */
  private async append(file: SpoolFile, answer: WaitingAnswer, record: Buffer): Promise<void> {
    this.written.add(answer)
    try {
      await file.append(record)
    } catch (error) {
      this.written.delete(answer)
      throw error
    }
  }

  private async open(): Promise<SpoolFile> {
    this.othersBytes = await this.folder.measureBytes()
    this.file = await SpoolFile.create(this.folder)
    this.events.emit('opened')
    return this.file
  }

  private reportFull(file: SpoolFile): void {
    if (this.isFull) return
    this.isFull = true
    this.events.emit('full', this.othersBytes + file.sizeBytes)
  }

  private async empty(file: SpoolFile): Promise<void> {
    const { hasRefused } = this
    this.file = undefined
    this.isFull = false
    this.hasRefused = false
    if (hasRefused) this.events.emit('set_aside', await file.setAside())
    else await file.discard()
    this.events.emit('emptied')
  }
}
