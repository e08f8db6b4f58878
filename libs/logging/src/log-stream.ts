import { write as fsWrite, writeSync as fsWriteSync } from 'node:fs'

/** The calls of node:fs that the stream makes. */
export interface FileWriter {
  write(fd: number, chunk: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void
  writeSync(fd: number, chunk: Buffer): number
}

export interface LogStreamOptions {
  readonly fd: number
  /** Characters that may wait while the reader is slow; lines above that are dropped and counted. */
  readonly maxWaiting?: number
  readonly writer?: FileWriter
}

const MAX_WAITING = 8 * 1024 * 1024
const BUSY_RETRY_MS = 50
const STUCK_AFTER_MS = 1_000
const FILE_SYSTEM: FileWriter = {
  write: (fd, chunk, done) => fsWrite(fd, chunk, 0, chunk.length, null, done),
  writeSync: (fd, chunk) => fsWriteSync(fd, chunk),
}

/**
 * Log lines to a file descriptor, without ever waiting for its reader: it trades lines for the life of the process. pino's own
 * destination (sonic-boom 4) never ends a process whose reader has gone, since it repeats the last write for ever, and blocks the exit
 * on a reader that has stopped.
 *
 * idle -> writing (a line; one write at a time, what comes meanwhile is the next chunk) -> idle
 * writing -> broken (any error but a full pipe: the reader has gone; everything is dropped from then on)
 * On exit what waits is written synchronously, unless the write under way has been stuck for a second; the thread pool ends that one,
 * and Node.js waits for it.
 */
export class LogStream {
  private readonly fd: number
  private readonly maxWaiting: number
  private readonly writer: FileWriter
  private waiting: string[] = []
  private waitingSize = 0
  /** What the write under way still has to write; null when idle. */
  private chunk: Buffer | null = null
  private writingSinceMs = 0
  private broken = false
  private idleListeners: (() => void)[] = []
  /** Lines that were lost, because the reader was too slow or has gone. */
  dropped = 0

  constructor({ fd, maxWaiting = MAX_WAITING, writer = FILE_SYSTEM }: LogStreamOptions) {
    this.fd = fd
    this.maxWaiting = maxWaiting
    this.writer = writer
  }

  /** The method that pino calls, with one whole line. */
  write(line: string): void {
    if (this.broken || this.waitingSize + line.length > this.maxWaiting) {
      this.dropped++
      return
    }
    this.waiting.push(line)
    this.waitingSize += line.length
    if (this.chunk === null) this.writeNext()
  }

  /** Resolves when all lines are written, or after `limitMs`. */
  flush(limitMs: number): Promise<void> {
    if (this.chunk === null) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs)
      this.idleListeners.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** For the last moment of the process: whatever cannot be written at once is lost. */
  flushSync(): void {
    const isStuck = this.chunk !== null && performance.now() - this.writingSinceMs > STUCK_AFTER_MS
    if (this.broken || isStuck) return
    const rest = this.takeWaiting()
    this.broken = true
    try {
      for (let written = 0; written < rest.length;) written += this.writer.writeSync(this.fd, rest.subarray(written))
    } catch {
      // The reader has gone or its pipe is full: nobody is left to be told.
    }
  }

  private takeWaiting(): Buffer {
    const chunk = Buffer.from(this.waiting.join(''))
    this.waiting = []
    this.waitingSize = 0
    return chunk
  }

  private writeNext(): void {
    this.chunk = this.waitingSize > 0 ? this.takeWaiting() : null
    if (this.chunk === null) this.announceIdle()
    else this.writeChunk(this.chunk)
  }

  private writeChunk(chunk: Buffer): void {
    this.chunk = chunk
    this.writingSinceMs = performance.now()
    this.writer.write(this.fd, chunk, (error, written) => {
      if (this.broken) return
      if (error !== null) this.handleError(error, chunk)
      else if (written < chunk.length) this.writeChunk(chunk.subarray(written))
      else this.writeNext()
    })
  }

  private handleError(error: NodeJS.ErrnoException, chunk: Buffer): void {
    if (error.code === 'EAGAIN' || error.code === 'EBUSY') {
      setTimeout(() => this.writeChunk(chunk), BUSY_RETRY_MS).unref()
      return
    }
    this.broken = true
    this.dropped += this.waiting.length + 1
    this.takeWaiting()
    this.chunk = null
    this.announceIdle()
  }

  private announceIdle(): void {
    const listeners = this.idleListeners
    this.idleListeners = []
    listeners.forEach((listener) => listener())
  }
}
