import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LogStream } from '../log-stream.js'
import { LogOutput } from './log-output.js'
import type { LogSink, LogSinkName } from './log-sink.js'
import { StdoutSink } from './stdout.sink.js'

class RecordingSink implements LogSink {
  readonly lines: string[] = []
  readonly dropped = 0
  closed = 0

  constructor(readonly name: LogSinkName) {}

  get written(): number {
    return this.lines.length
  }

  write(line: string): void {
    this.lines.push((JSON.parse(line) as { msg: string }).msg)
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }
}

describe(LogOutput.name, () => {
  it('writes each line to every sink whose level it has', () => {
    const [stdout, postgres] = [new RecordingSink('stdout'), new RecordingSink('postgres')]
    const logger = pino({ level: 'trace' }, new LogOutput([{ sink: stdout }, { sink: postgres, level: 'warn' }]).destination)
    logger.trace('fine')
    logger.info('plain')
    logger.warn('hot')
    logger.child({ a: 1 }).fatal('last')
    expect(stdout.lines).toEqual(['fine', 'plain', 'hot', 'last'])
    expect(postgres.lines).toEqual(['hot', 'last'])
  })

  it('writes nothing to a sink that is silent', () => {
    const sink = new RecordingSink('postgres')
    pino({}, new LogOutput([{ sink, level: 'silent' }]).destination).fatal('x')
    expect(sink.lines).toEqual([])
  })

  it('closes its sinks when the application shuts down', async () => {
    const sinks = [new RecordingSink('stdout'), new RecordingSink('file')]
    await new LogOutput(sinks.map((sink) => ({ sink }))).onApplicationShutdown()
    expect(sinks.map(({ closed }) => closed)).toEqual([1, 1])
  })
})

describe(StdoutSink.name, () => {
  it('counts what was lost and writes the rest when the process exits', () => {
    const exits: (() => void)[] = []
    vi.spyOn(process, 'once').mockImplementation((_event, listener) => {
      exits.push(listener as () => void)
      return process
    })
    onTestFinished(() => void vi.restoreAllMocks())
    const chunks: string[] = []
    const writer = { write: () => undefined, writeSync: (_fd: number, chunk: Buffer) => chunks.push(chunk.toString()) && chunk.length }
    const sink = new StdoutSink('json', new LogStream({ fd: 1, writer, maxWaiting: 4 }))
    for (const line of ['one\n', 'two\n', 'too much\n']) sink.write(line)
    expect([sink.written, sink.dropped]).toEqual([2, 1])
    exits.forEach((exit) => exit())
    expect(chunks).toEqual(['two\n'])
  })
})
