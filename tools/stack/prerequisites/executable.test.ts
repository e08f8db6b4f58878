import { describe, expect, it } from 'vitest'
import { isAtLeast } from './executable.js'

describe(isAtLeast.name, () => {
  it.each([
    ['17', '17', true],
    ['17.0.15', '17', true],
    ['21', '17', true],
    ['11.0.2', '17', false],
    ['1.24', '1.24', true],
    ['1.26.8', '1.24', true],
    ['1.9.7', '1.24', false],
    ['2.0', '1.24', true],
  ])('compares %s with %s as numbers: %s', (version, oldest, expected) => {
    expect(isAtLeast(version, oldest)).toBe(expected)
  })
})
