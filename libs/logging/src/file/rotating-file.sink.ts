import { basename, dirname, join } from 'node:path'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import type { LogSink } from '../sinks/log-sink.js'

export interface RotatingFileOptions {
  readonly path: string
  /** Of one file. */
  readonly maxBytes: number
  readonly maxAgeDays: number
  /** Of all that were put aside; the oldest ones go. */
  readonly totalBytes: number
  /** Is told when lines are lost, and when they arrive again. */
  readonly onChange: (error: Error | undefined) => void
  /** Characters that may wait; lines above that are dropped. */
  readonly maxWaiting?: number
  readonly reopenMs?: number
}

const MAX_WAITING = 8 * 1024 * 1024
const REOPEN_MS = 5_000

/**
 * Lines to a file that is put aside when it is too large or too old, for installations without anything that collects stdout.
 *
 * open -> failed (the disk is full, the folder is gone: what waits is lost) -> open again, tried every 5 s with the next line
 * any -> closed
 */
export class RotatingFileSink implements LogSink {
  readonly name = 'file'
  written = 0
  dropped = 0
  private stream: RotatingFileStream | undefined
  private failedAtMs = -Infinity
  private waiting = 0
  private closed = false
  private isFailing = false

  constructor(private readonly options: RotatingFileOptions) {}

  write(line: string): void {
    const stream = this.findStream()
    if (stream === undefined || this.waiting + line.length > (this.options.maxWaiting ?? MAX_WAITING)) {
      this.dropped++
      return
    }
    this.waiting += line.length
    stream.write(line, (error) => this.settle(line, error ?? undefined))
  }

  async flush(limitMs: number): Promise<void> {
    const until = performance.now() + limitMs
    while (this.waiting > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  async close(limitMs: number): Promise<void> {
    if (this.closed) return
    await this.flush(limitMs)
    this.closed = true
    this.stream?.destroy()
  }

  private findStream(): RotatingFileStream | undefined {
    if (this.closed) return undefined
    if (this.stream !== undefined) return this.stream
    if (performance.now() - this.failedAtMs < (this.options.reopenMs ?? REOPEN_MS)) return undefined
    return (this.stream = this.open())
  }

  private open(): RotatingFileStream {
    const { path, maxBytes, maxAgeDays, totalBytes } = this.options
    const stream = createStream(makeName(path), {
      path: dirname(path),
      size: `${maxBytes}B`,
      interval: `${maxAgeDays}d`,
      maxSize: `${totalBytes}B`,
      // Put aside at start too where it is too old already.
      intervalBoundary: true,
      initialRotation: true,
    })
    stream.on('error', (error) => this.fail(stream, error))
    stream.on('warning', (error) => this.options.onChange(error))
    return stream
  }

  private fail(stream: RotatingFileStream, error: Error): void {
    if (this.stream !== stream) return
    this.stream = undefined
    this.failedAtMs = performance.now()
    stream.destroy()
    this.tell(error)
  }

  private settle({ length }: string, error: Error | undefined): void {
    this.waiting -= length
    if (error) {
      this.dropped++
      return
    }
    this.written++
    this.tell(undefined)
  }

  private tell(error: Error | undefined): void {
    const isFailing = error !== undefined
    if (isFailing === this.isFailing) return
    this.isFailing = isFailing
    this.options.onChange(error)
  }
}

/** sluice.log now; sluice.20260102-0304-01.log when it was put aside. */
function makeName(path: string): (time: Date | number | null, index?: number) => string {
  const name = basename(path)
  const dot = name.lastIndexOf('.')
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  return (time, index = 0) => {
    if (time === null || typeof time === 'number') return name
    const stamp = time.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 13)
    return join(`${stem}.${stamp}-${String(index).padStart(2, '0')}${ending}`)
  }
}
