import { describe, expect, it } from 'vitest'
import { readChange, readCount, readDuration, readRate, readTime, readTimeOrAge } from './operator-options.js'

describe(readTime.name, () => {
  it('takes now and times with their zone', () => {
    expect(readTime('now')).toBeNull()
    expect(readTime('2030-01-02T03:04:05Z')).toEqual(new Date(Date.UTC(2030, 0, 2, 3, 4, 5)))
    expect(readTime('2030-01-02T03:04:05+03:00')).toEqual(new Date(Date.UTC(2030, 0, 2, 0, 4, 5)))
  })

  it.each(['2030-01-02T03:04:05', 'tomorrow', '', '2030-13-02T03:04:05Z'])('refuses %s', (text) => {
    expect(() => readTime(text)).toThrow('with its zone')
  })
})

describe(readTimeOrAge.name, () => {
  it('takes an age too', () => {
    const before = Date.now()
    expect(before - readTimeOrAge('2h').getTime()).toBeLessThanOrEqual(2 * 3_600_000)
    expect(before - readTimeOrAge('2h').getTime()).toBeGreaterThan(2 * 3_600_000 - 5_000)
    expect(readTimeOrAge('2030-01-02T03:04:05Z')).toEqual(new Date(Date.UTC(2030, 0, 2, 3, 4, 5)))
  })
})

describe('numbers of the command line', () => {
  it('are whole and above 0 where they count', () => {
    expect(readCount('12')).toBe(12)
    for (const text of ['0', '-1', '1.5', '', 'x', '1e3']) expect(() => readCount(text)).toThrow('whole number')
  })

  it('may be below 1 where they are a rate', () => {
    expect(readRate('0.5')).toBe(0.5)
    for (const text of ['0', '-1', '', 'x', 'Infinity']) expect(() => readRate(text)).toThrow('above 0')
  })

  it('have a unit where they are a time', () => {
    expect(readDuration('90m')).toBe(5_400_000)
    expect(() => readDuration('90')).toThrow('as in 30m')
  })
})

describe(readChange.name, () => {
  it('asks for a reason unless nothing is changed', () => {
    expect(readChange({ actor: 'ada', reason: 'x', output: 'table' })).toEqual({ actor: 'ada', reason: 'x' })
    expect(() => readChange({ actor: 'ada', output: 'table' })).toThrow('--reason is missing')
    expect(readChange({ actor: 'ada', dryRun: true, output: 'table' })).toEqual({ actor: 'ada', reason: '' })
  })
})
