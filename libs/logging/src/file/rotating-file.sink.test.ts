import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { RotatingFileSink, type RotatingFileOptions } from './rotating-file.sink.js'

let folder: string
let changes: (string | undefined)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-log-'))
  changes = []
  return () => rm(folder, { recursive: true, force: true })
})

function create(options: Partial<RotatingFileOptions> = {}): RotatingFileSink {
  const sink = new RotatingFileSink({
    path: join(folder, 'sluice.log'),
    maxBytes: 1_000,
    maxAgeDays: 1,
    totalBytes: 3_500,
    onChange: (error) => changes.push(error?.message),
    ...options,
  })
  onTestFinished(() => sink.close(0))
  return sink
}

const line = (index: number) => `${String(index).padStart(99, '0')}\n`

describe(RotatingFileSink.name, () => {
  it('puts a file aside when it is full, and removes the oldest ones above their total', async () => {
    const sink = create()
    for (let index = 0; index < 100; index++) {
      sink.write(line(index))
      await sink.flush(1_000)
    }
    expect([sink.written, sink.dropped]).toEqual([100, 0])
    await expect.poll(async () => (await readdir(folder)).filter((name) => name.startsWith('sluice.2')).length).toBe(3)
    const sizes = await Promise.all(
      (await readdir(folder)).filter((name) => /^sluice\..*log$/.test(name)).map(async (name) => (await stat(join(folder, name))).size),
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000)
    const names = (await readdir(folder)).filter((name) => /^sluice\.\d{8}-\d{4}-\d+\.log$/.test(name))
    expect(names).toHaveLength(3)
  })

  it('goes on in the file that is there', async () => {
    await writeFile(join(folder, 'sluice.log'), 'before\n')
    const sink = create()
    sink.write('after\n')
    await sink.flush(1_000)
    await expect(readFile(join(folder, 'sluice.log'), 'utf8')).resolves.toBe('before\nafter\n')
  })

  it('counts what it cannot write, says so once, and goes on when it can again', async () => {
    // A file where the folder should be: nothing can be made below it.
    const blocked = join(folder, 'blocked')
    await writeFile(blocked, '')
    const sink = create({ path: join(blocked, 'sluice.log'), reopenMs: 20 })
    for (let index = 0; index < 3; index++) sink.write(line(index))
    await expect.poll(() => sink.dropped).toBe(3)
    await expect.poll(() => changes.length).toBe(1)
    await rm(blocked)
    await expect
      .poll(async () => {
        sink.write(line(9))
        await sink.flush(100)
        return sink.written
      })
      .toBeGreaterThan(0)
    expect(changes.at(-1)).toBeUndefined()
  })

  it('drops what does not fit into its buffer', async () => {
    const sink = create({ maxWaiting: 250 })
    for (let index = 0; index < 5; index++) sink.write(line(index))
    await sink.flush(1_000)
    expect([sink.written, sink.dropped]).toEqual([2, 3])
  })

  it('drops everything once it is closed', async () => {
    const sink = create()
    sink.write(line(1))
    await sink.close(1_000)
    sink.write(line(2))
    expect([sink.written, sink.dropped]).toEqual([1, 1])
  })
})
