import { open, stat } from 'node:fs/promises'

const TAIL_BYTES = 16 * 1024

/** The log file of one server. It is appended to over restarts, so what a start has to say begins at a mark. */
export class ServerLog {
  #mark = 0

  constructor(readonly path: string) {}

  async mark(): Promise<void> {
    this.#mark = await this.#size()
  }

  sinceMark(): Promise<string> {
    return this.#read(this.#mark)
  }

  /** The whole lines since the mark, which moves behind them. */
  async takeNewLines(): Promise<string> {
    const said = await this.#read(this.#mark)
    const end = said.lastIndexOf('\n')
    if (end < 0) return ''
    this.#mark += Buffer.byteLength(said.slice(0, end + 1))
    return said.slice(0, end)
  }

  async tail(lines = 20): Promise<string> {
    const from = Math.max(this.#mark, (await this.#size()) - TAIL_BYTES)
    return (await this.#read(from)).trimEnd().split('\n').slice(-lines).join('\n')
  }

  async #size(): Promise<number> {
    return stat(this.path).then(
      (file) => file.size,
      () => 0,
    )
  }

  async #read(from: number): Promise<string> {
    const length = (await this.#size()) - from
    if (length <= 0) return ''
    const file = await open(this.path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  }
}
