import { closeSync, openSync, readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LogStream, type FileWriter } from './log-stream.js'

type Done = (error: NodeJS.ErrnoException | null, written: number) => void

/** A file whose writes end when the test says so. */
class HeldWriter implements FileWriter {
  readonly pending: { chunk: string; done: Done }[] = []
  readonly written: string[] = []
  readonly writtenSync: string[] = []

  write(_fd: number, chunk: Buffer, done: Done): void {
    this.pending.push({ chunk: chunk.toString(), done })
  }

  writeSync(_fd: number, chunk: Buffer): number {
    this.writtenSync.push(chunk.toString())
    return chunk.length
  }

  /** Ends the write under way after so many bytes, or all of them. */
  finish(bytes?: number): void {
    const { chunk, done } = this.pending.shift()!
    this.written.push(chunk.slice(0, bytes))
    done(null, bytes ?? chunk.length)
  }

  fail(code: string): void {
    this.pending.shift()!.done(Object.assign(new Error(code), { code }), 0)
  }
}

function makeStream(maxWaiting?: number) {
  const writer = new HeldWriter()
  return { writer, stream: new LogStream({ fd: 1, writer, ...(maxWaiting !== undefined && { maxWaiting }) }) }
}

function useFakeTimers(): void {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
}

describe(LogStream.name, () => {
  it('writes lines to a real file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-stream-'))
    const fd = openSync(join(folder, 'log'), 'a')
    onTestFinished(() => {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    })
    const stream = new LogStream({ fd })
    stream.write('one\n')
    stream.write('two\n')
    await stream.flush(1_000)
    stream.write('three\n')
    stream.flushSync()
    await expect.poll(() => readFileSync(join(folder, 'log'), 'utf8')).toBe('one\ntwo\nthree\n')
  })

  it('collects what comes during a write into the next chunk', () => {
    const { stream, writer } = makeStream()
    for (const line of ['a', 'b', 'c']) stream.write(line)
    writer.finish()
    writer.finish()
    expect(writer.written).toEqual(['a', 'bc'])
    expect(writer.pending).toEqual([])
  })

  it('goes on where a write was cut short', () => {
    const { stream, writer } = makeStream()
    stream.write('abcdef')
    writer.finish(2)
    writer.finish()
    expect(writer.written).toEqual(['ab', 'cdef'])
  })

  it('drops and counts lines above its bound while the reader is slow', () => {
    const { stream, writer } = makeStream(10)
    for (const line of ['under way', '12345', '67890', 'dropped']) stream.write(line)
    expect(stream.dropped).toBe(1)
    writer.finish()
    writer.finish()
    stream.write('again')
    writer.finish()
    expect(writer.written).toEqual(['under way', '1234567890', 'again'])
  })

  it('writes again after a full pipe has had time to drain', () => {
    useFakeTimers()
    const { stream, writer } = makeStream()
    stream.write('a')
    writer.fail('EAGAIN')
    expect(writer.pending).toEqual([])
    vi.advanceTimersByTime(50)
    writer.finish()
    expect(writer.written).toEqual(['a'])
    expect(stream.dropped).toBe(0)
  })

  it('drops everything after its reader has gone', async () => {
    const { stream, writer } = makeStream()
    stream.write('a')
    stream.write('b')
    const flushed = stream.flush(1_000)
    writer.fail('EPIPE')
    await flushed
    stream.write('c')
    stream.flushSync()
    expect(stream.dropped).toBe(3)
    expect(writer.pending).toEqual([])
    expect(writer.writtenSync).toEqual([])
  })

  it('flushes at once when idle, else at the end of the last write or after the limit', async () => {
    useFakeTimers()
    const { stream, writer } = makeStream()
    await stream.flush(1_000)
    stream.write('a')
    const flushed = stream.flush(1_000)
    writer.finish()
    await flushed
    stream.write('b')
    const limited = stream.flush(1_000)
    vi.advanceTimersByTime(1_000)
    await limited
    expect(writer.pending).toHaveLength(1)
  })

  it('writes what waits synchronously at exit, and the write under way not twice', () => {
    const { stream, writer } = makeStream()
    stream.write('a')
    stream.write('b')
    stream.flushSync()
    expect(writer.writtenSync).toEqual(['b'])
    stream.write('c')
    writer.finish()
    expect(stream.dropped).toBe(1)
  })

  it('does not wait at exit for a reader that has been stuck for a second', () => {
    useFakeTimers()
    const { stream, writer } = makeStream()
    stream.write('a')
    vi.advanceTimersByTime(1_001)
    stream.flushSync()
    expect(writer.writtenSync).toEqual([])
  })

  it('gives up at exit when the pipe is full or has gone', () => {
    const { stream, writer } = makeStream()
    writer.writeSync = () => {
      throw Object.assign(new Error('full'), { code: 'EAGAIN' })
    }
    stream.write('a')
    stream.write('b')
    expect(() => stream.flushSync()).not.toThrow()
  })
})
