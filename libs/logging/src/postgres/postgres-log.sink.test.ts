import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogLineStore } from './log-line.store.js'
import { PostgresLogSink } from './postgres-log.sink.js'

const AWAY = new Error('connect ECONNREFUSED')
const DATA = Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' })

/** Keeps batches by their id, as the table does. */
class FakeStore implements Pick<LogLineStore, 'maintain' | 'insert' | 'close'> {
  readonly batches = new Map<string, readonly string[]>()
  maintained = 0
  closed = 0
  inserts = 0
  failure: Error | undefined
  /** The commit has happened, and nobody is told. */
  losesAnswers = false
  refuses: (line: string) => boolean = () => false

  maintain(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure)
    this.maintained++
    return Promise.resolve()
  }

  insert(batch: string, lines: readonly string[]): Promise<void> {
    this.inserts++
    if (this.failure) return Promise.reject(this.failure)
    if (lines.some((line) => this.refuses(line))) return Promise.reject(DATA)
    this.batches.set(batch, lines)
    return this.losesAnswers ? Promise.reject(AWAY) : Promise.resolve()
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }

  get lines(): string[] {
    return [...this.batches.values()].flat()
  }
}

let store: FakeStore
let changes: (Error | undefined)[]
let sink: PostgresLogSink

function create(maxWaiting = 1_000_000): void {
  store = new FakeStore()
  changes = []
  sink = new PostgresLogSink(store as unknown as LogLineStore, { maxWaiting, onChange: (error) => changes.push(error), random: () => 1 })
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  create()
  return () => vi.useRealTimers()
})

const write = (count: number, prefix = 'line') => {
  for (let index = 0; index < count; index++) sink.write(`${prefix}-${index}\n`)
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe(PostgresLogSink.name, () => {
  it('gathers lines for half a second and stores them in their order, in one statement', async () => {
    write(3)
    await pass(499)
    expect(store.inserts).toBe(0)
    await pass(1)
    expect(store.lines).toEqual(['line-0\n', 'line-1\n', 'line-2\n'])
    expect([store.inserts, sink.written, sink.dropped]).toEqual([1, 3, 0])
  })

  it('stores at once when 500 lines have come, and at most 500 or a mebibyte in one statement', async () => {
    create(10_000_000)
    write(1_200)
    await pass(500)
    expect([...store.batches.values()].map(({ length }) => length)).toEqual([500, 500, 200])
    write(3, 'x'.repeat(400_000))
    await pass(1_000)
    expect([...store.batches.values()].slice(3).map(({ length }) => length)).toEqual([2, 1])
  })

  it('makes its tables before the first line, and looks after them each hour', async () => {
    write(1)
    await pass(500)
    expect(store.maintained).toBe(1)
    await pass(3_599_000)
    write(1)
    await pass(500)
    expect(store.maintained).toBe(1)
    await pass(1_000)
    write(1)
    await pass(500)
    expect(store.maintained).toBe(2)
  })

  it('offers a batch again while PostgreSQL is away, ever less often, and says so once', async () => {
    write(1)
    await pass(500)
    store.failure = AWAY
    write(2, 'late')
    await pass(500)
    await pass(120_000)
    const tries = store.inserts - 1
    // After 0.5, 1, 2, 4, 8, 16, and then every 30 seconds.
    expect(tries).toBe(9)
    expect(changes).toEqual([AWAY])
    store.failure = undefined
    await pass(30_000)
    expect(store.lines).toEqual(['line-0\n', 'late-0\n', 'late-1\n'])
    expect(changes).toEqual([AWAY, undefined])
    expect([sink.written, sink.dropped]).toEqual([3, 0])
  })

  it('does not ask more often because more lines come meanwhile', async () => {
    store.failure = AWAY
    write(2_000)
    await pass(500)
    const before = store.inserts
    write(2_000)
    await pass(0)
    expect(store.inserts).toBe(before)
  })

  it('has a batch whose commit nobody has heard of only once', async () => {
    store.losesAnswers = true
    write(2)
    await pass(500)
    store.losesAnswers = false
    await pass(1_000)
    expect(store.lines).toEqual(['line-0\n', 'line-1\n'])
    expect(sink.written).toBe(2)
  })

  it('drops the newest lines when its buffer is full, and counts them exactly', async () => {
    create(70)
    store.failure = AWAY
    write(25)
    await pass(600)
    write(5, 'more')
    expect(sink.dropped).toBe(20)
    store.failure = undefined
    await pass(30_000)
    expect(sink.written + sink.dropped).toBe(30)
    expect(store.lines).toEqual(Array.from({ length: 10 }, (_, index) => `line-${index}\n`))
    write(1, 'after')
    await pass(500)
    expect(store.lines.at(-1)).toBe('after-0\n')
  })

  it('drops a line whose data PostgreSQL does not take, and that line alone', async () => {
    store.refuses = (line) => line === 'line-3\n'
    write(7)
    await pass(500)
    expect(store.lines.toSorted((a, b) => a.localeCompare(b))).toEqual([0, 1, 2, 4, 5, 6].map((index) => `line-${index}\n`))
    expect([sink.written, sink.dropped]).toEqual([6, 1])
    expect(changes).toEqual([])
  })

  it('stores what waits when it is closed, and drops what comes later', async () => {
    write(2)
    const closed = sink.close(2_000)
    await pass(10)
    await closed
    write(1, 'late')
    expect([store.lines.length, sink.written, sink.dropped, store.closed]).toEqual([2, 2, 1, 1])
  })

  it('gives up after its limit when it is closed while PostgreSQL is away, and counts what is lost', async () => {
    store.failure = AWAY
    write(600)
    await pass(600)
    const closed = sink.close(2_000)
    await pass(2_100)
    await closed
    await pass(1)
    expect([sink.written, sink.dropped]).toEqual([0, 600])
  })
})
