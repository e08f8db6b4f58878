import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decorate, type Place } from '../faults/failpoints/decorate.js'
import { isDeadly, parseFailpoints } from '../faults/failpoints/failpoint.spec.js'
import { Failpoints } from '../faults/failpoints/failpoints.js'
import { PLACES } from '../faults/failpoints/points.js'

describe('failpoints', () => {
  it('are not in the image: neither is their code sent to the builder, nor does the service know of them', () => {
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    expect(allowed.filter((line) => line.startsWith('!test'))).toEqual([])
    const copied = readFileSync('Dockerfile', 'utf8').match(/^COPY .*$/gm)!
    expect(copied.filter((line) => /\btest\b/.test(line))).toEqual([])
    const sources = globSync('{apps,libs}/**/*.ts', { exclude: (name) => name.endsWith('node_modules') })
    expect(sources.length).toBeGreaterThan(300)
    expect(sources.filter((path) => /failpoint/i.test(readFileSync(path, 'utf8')))).toEqual([])
  })

  it('have a method of an adapter behind each place', () => {
    for (const { prototype, method } of PLACES) expect(prototype).toHaveProperty(method, expect.any(Function))
  })

  it('are read with their pass and how often they act', () => {
    expect(parseFailpoints(' after_record_answer=kill@3; before_sql:outbox-take=stall:500x4;')).toEqual([
      { when: 'after', point: 'record_answer', action: { kind: 'kill' }, from: 3, times: 1 },
      { when: 'before', point: 'sql:outbox-take', action: { kind: 'stall', forMs: 500 }, from: 1, times: 4 },
    ])
    expect(parseFailpoints('')).toEqual([])
    expect(parseFailpoints('after_finish=clock:-3600000').map(isDeadly)).toEqual([false])
    expect(parseFailpoints('after_finish=oom').map(isDeadly)).toEqual([true])
  })

  it.each(['record_answer=kill', 'after_record_answer=kil', 'after_finish=stall', 'after_finish=kill:5', 'during_finish=kill'])(
    'are refused where nobody could know what is meant: %s',
    (text) => {
      expect(() => parseFailpoints(text)).toThrow(text)
    },
  )
})

describe(decorate.name, () => {
  class Port {
    calls = 0
    async work(value: string): Promise<string> {
      this.calls++
      return value
    }
  }

  function makePort(points: string): Port {
    class Own extends Port {
      override work(value: string): Promise<string> {
        return super.work(value)
      }
    }
    const place: Place = {
      prototype: Own.prototype,
      method: 'work',
      async: true,
      pointOf: () => 'work',
      makeError: () => new Error('away'),
    }
    const failpoints = new Failpoints()
    decorate(place, failpoints)
    failpoints.arm(parseFailpoints(points))
    return new Own()
  }

  it('fails before the work was done', async () => {
    const port = makePort('before_work=error')
    await expect(port.work('a')).rejects.toThrow('away')
    expect(port.calls).toBe(0)
    await expect(port.work('b')).resolves.toBe('b')
  })

  it('fails after the work was done, from the pass and as often as it is told', async () => {
    const port = makePort('after_work=error@2x2')
    await expect(port.work('1')).resolves.toBe('1')
    await expect(port.work('2')).rejects.toThrow('away')
    await expect(port.work('3')).rejects.toThrow('away')
    await expect(port.work('4')).resolves.toBe('4')
    expect(port.calls).toBe(4)
  })
})
