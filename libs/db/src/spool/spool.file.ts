import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { AliveSocket } from './alive.socket.js'
import type { SpoolFolder, SpoolPaths } from './spool.folder.js'

/**
 * The file of this process, to which records are appended. Its owner closes it, in one of three ways: `discard` (nothing in it is needed),
 * `setAside` (for a person) or `leave` (for the next process).
 */
export class SpoolFile {
  private bytes = 0
  private isTorn = false

  private constructor(
    private readonly paths: SpoolPaths,
    private readonly socket: AliveSocket,
    private readonly handle: FileHandle,
  ) {}

  /** The socket comes first and goes last: a file without one is a dead process's. */
  static async create(folder: SpoolFolder): Promise<SpoolFile> {
    const paths = folder.pathsOf(randomBytes(8).toString('hex'))
    const socket = await AliveSocket.open(paths.alive)
    try {
      const handle = await open(paths.answers, 'wx', 0o600)
      await syncFolder(folder.path)
      return new SpoolFile(paths, socket, handle)
    } catch (error) {
      await socket.close()
      throw error
    }
  }

  get sizeBytes(): number {
    return this.bytes
  }

  /** Resolves when the record is on the disk. After a failure nothing of it is left, and it may be appended again. */
  async append(record: Buffer): Promise<void> {
    if (this.isTorn) await this.handle.truncate(this.bytes)
    this.isTorn = true
    for (let done = 0; done < record.length;) {
      const { bytesWritten } = await this.handle.write(record, done, record.length - done, this.bytes + done)
      done += bytesWritten
    }
    await this.handle.datasync()
    this.isTorn = false
    this.bytes += record.length
  }

  async discard(): Promise<void> {
    await this.close(() => rm(this.paths.answers, { force: true }))
  }

  /** Returns where it lies. */
  async setAside(): Promise<string> {
    await this.close(() => rename(this.paths.answers, this.paths.bad))
    return this.paths.bad
  }

  async leave(): Promise<void> {
    await this.close(() => Promise.resolve())
  }

  private async close(last: () => Promise<void>): Promise<void> {
    try {
      await this.handle.close()
      await last()
    } finally {
      await this.socket.close()
    }
  }
}

/** So that the file's name survives the machine, not only its bytes. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
