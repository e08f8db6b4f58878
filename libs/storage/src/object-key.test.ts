import { describe, expect, it } from 'vitest'
import { findKeyProblem, isBelowPrefix } from './object-key.js'

describe(findKeyProblem.name, () => {
  it.each(['a', 'inputs/отчёт.txt', 'a//b', 'a/...b', 'a.b/..c', 'инвойс №1 (копия).csv', '%2e%2e/a'])('accepts %s', (key) => {
    expect(findKeyProblem(key)).toBeUndefined()
  })

  it.each([
    ['', 'is empty'],
    ['я'.repeat(513), 'is longer than 1024 bytes'],
    ['a/\ud800', 'is not valid Unicode'],
    ['a\nb', 'has control characters'],
    ['a\u0085b', 'has control characters'],
    ['a\u0000', 'has control characters'],
    ['a\\..\\b', 'has a backslash'],
    ['/etc/passwd', 'begins with "/"'],
    ['inputs/../answers/a', 'has "." or ".."'],
    ['..', 'has "." or ".."'],
    ['./answers/a', 'has "." or ".."'],
  ])('refuses %j', (key, problem) => {
    expect(findKeyProblem(key)).toContain(problem)
  })
})

describe(isBelowPrefix.name, () => {
  it.each([
    ['inputs/a', 'inputs/', true],
    ['inputs/a', 'inputs', true],
    ['inputs2/a', 'inputs', false],
    ['inputs', 'inputs', false],
    ['Inputs/a', 'inputs/', false],
    ['anything', '', true],
  ])('%s below %s: %s', (key, prefix, expected) => {
    expect(isBelowPrefix(key, prefix)).toBe(expected)
  })
})
