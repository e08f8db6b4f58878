import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import type { ReceivedAnswer } from '../ledger/answer.statement.js'
import { AliveSocket } from './alive.socket.js'
import type { SpoolFolder, SpoolPaths } from './spool.folder.js'
import { readSpoolRecords } from './spool-record.js'
import type { SpoolStore } from './spool.store.js'

/** What was found in the file of a dead process, in numbers of answers, and what became of it. */
export interface SpoolReport {
  /** Where the file lies now; undefined: nowhere, all of it was stored. */
  readonly path: string | undefined
  readonly stored: number
  /** Of attempts that this ledger does not know. */
  readonly unknown: number
  /** PostgreSQL will never take them. */
  readonly refused: number
  readonly corrupt: number
  /** The last record broke off with its writer. */
  readonly isTorn: boolean
}

const BATCH = { answers: 256, bytes: 8 * 1024 * 1024 }

/**
 * Stores the answers that dead processes of this machine have left, and removes their files. Storing is idempotent and so is removing, so
 * any number of processes may do it at once, and one that dies meanwhile leaves the file to the next.
 *
 * A file of which something cannot be stored is set aside as `.bad`. One without a single answer of this ledger belongs to another one, and
 * is left as it is; this process looks at it once.
 */
export class SpoolRecovery {
  private readonly foreign = new Set<string>()

  constructor(
    private readonly folder: SpoolFolder,
    private readonly store: SpoolStore,
    private readonly onFile: (report: SpoolReport) => void,
  ) {}

  /** Throws TaskError `ledger_unavailable`, and what the file system says. */
  async run(): Promise<void> {
    for (const id of await this.folder.list()) {
      const paths = this.folder.pathsOf(id)
      if (this.foreign.has(id) || (await AliveSocket.isAlive(paths.alive))) continue
      const found = await this.read(paths)
      if (found) this.onFile({ ...found, path: await this.settle(id, paths, found) })
    }
  }

  /** undefined: another process has just removed it. */
  private async read(paths: SpoolPaths): Promise<Findings | undefined> {
    const file = await openIfThere(paths.answers)
    if (!file) return undefined
    try {
      return await this.storeAll(file)
    } finally {
      await file.close()
    }
  }

  private async storeAll(file: FileHandle): Promise<Findings> {
    const found = { stored: 0, unknown: 0, refused: 0, corrupt: 0, isTorn: false }
    let batch: ReceivedAnswer[] = []
    let bytes = 0
    const flush = async () => {
      const { stored, unknown, refused } = await this.store.store(batch)
      found.stored += stored
      found.unknown += unknown
      found.refused += refused
      batch = []
      bytes = 0
    }
    for await (const record of readSpoolRecords(file)) {
      if (record.kind === 'torn') found.isTorn = true
      if (record.kind === 'corrupt') found.corrupt++
      if (record.kind !== 'answer') continue
      batch.push(record.received)
      bytes += record.received.answer.body.length
      if (batch.length >= BATCH.answers || bytes >= BATCH.bytes) await flush()
    }
    await flush()
    return found
  }

  private async settle(id: string, { answers, alive, bad }: SpoolPaths, found: Findings): Promise<string | undefined> {
    if (found.unknown > 0 && found.stored + found.refused === 0) {
      this.foreign.add(id)
      return answers
    }
    const isBad = found.corrupt + found.refused + found.unknown > 0
    await (isBad ? rename(answers, bad).catch(ignoreMissing) : rm(answers, { force: true }))
    await rm(alive, { force: true })
    return isBad ? bad : undefined
  }
}

type Findings = Omit<SpoolReport, 'path'>

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    ignoreMissing(error)
    return undefined
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
