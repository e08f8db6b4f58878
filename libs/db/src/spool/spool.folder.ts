import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A socket's path has room for about a hundred bytes, the names of our folder and of the socket included. */
export const MAX_FOLDER_BYTES = 60

const ANSWERS = '.answers'
const ALIVE = '.alive'
const BAD = '.bad'
const OTHERS_MAY = 0o077

/** Names of the files of one process, which `id` tells apart. */
export interface SpoolPaths {
  /** The answers. */
  readonly answers: string
  /** A socket on which the owner of the answers listens while it lives. */
  readonly alive: string
  /** Answers that could not all be stored, for a person. */
  readonly bad: string
}

/**
 * The folder in which answers are kept for an absent PostgreSQL: one of this user's own inside a given one, which may be for everybody
 * (the system's folder for temporary files, a mounted volume). Nobody else may look into it, or put something into it.
 */
export class SpoolFolder {
  readonly path: string

  constructor(private readonly parent: string) {
    this.path = join(parent, `sluice-answers-${process.getuid?.() ?? 'user'}`)
  }

  /** Makes it where it is missing. Throws when it cannot be made, or is somebody else's. */
  async prepare(): Promise<void> {
    // Only the default can be longer: the system's folder for temporary files.
    if (Buffer.byteLength(this.parent) > MAX_FOLDER_BYTES)
      throw new Error(`${this.parent} is too long for a socket in it: set ANSWER_SPOOL_DIR`)
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    // Not stat: a link that somebody else has put there is none of ours either.
    const { mode, uid } = await lstat(this.path).then((facts) => {
      if (!facts.isDirectory()) throw new Error(`${this.path} is no folder: remove it, or set ANSWER_SPOOL_DIR`)
      return facts
    })
    if (process.getuid && uid !== process.getuid())
      throw new Error(`${this.path} belongs to user ${uid}: remove it, or set ANSWER_SPOOL_DIR`)
    if ((mode & OTHERS_MAY) !== 0) await chmod(this.path, 0o700)
  }

  pathsOf(id: string): SpoolPaths {
    const at = (suffix: string) => join(this.path, `${id}${suffix}`)
    return { answers: at(ANSWERS), alive: at(ALIVE), bad: at(BAD) }
  }

  /** The ids of all files with answers, whoever's they are. None where the folder is missing. */
  async list(): Promise<string[]> {
    const names = await this.readNames()
    return names.filter((name) => name.endsWith(ANSWERS)).map((name) => name.slice(0, -ANSWERS.length))
  }

  /** Of all files in it. */
  async measureBytes(): Promise<number> {
    const names = await this.readNames()
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(this.path, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  private async readNames(): Promise<string[]> {
    try {
      return await readdir(this.path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
}
