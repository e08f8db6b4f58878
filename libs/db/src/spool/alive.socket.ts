import { connect, createServer, type Server } from 'node:net'

/** Nobody listens, and nobody will: the ids of spool files are never used again. */
const DEAD = new Set(['ECONNREFUSED', 'ENOENT'])

/**
 * Says to other processes of this machine that its owner lives. The kernel takes it back at the owner's end, however that comes, and keeps
 * it while the owner is only stopped. A process number would not do: it comes again, and two containers that share a folder may have the same.
 */
export class AliveSocket {
  private constructor(private readonly server: Server) {}

  static async open(path: string): Promise<AliveSocket> {
    const server = createServer((connection) => connection.destroy())
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    server.on('error', () => {})
    server.unref()
    return new AliveSocket(server)
  }

  /** In doubt it lives. */
  static isAlive(path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const connection = connect(path)
      connection.once('connect', () => {
        connection.destroy()
        resolve(true)
      })
      connection.once('error', (error: NodeJS.ErrnoException) => resolve(!DEAD.has(error.code ?? '')))
    })
  }

  /** Removes it, too. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }
}
