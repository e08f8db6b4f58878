import { describe, expect, it } from 'vitest'
import { findNearestName } from '#libs/config'

const known = ['max_tokens', 'temperature', 'top_p', 'model']

describe(findNearestName.name, () => {
  it.each([
    ['max_token', 'max_tokens'],
    ['maxTokens', 'max_tokens'],
    ['temprature', 'temperature'],
    ['topp', 'top_p'],
    ['modle', 'model'],
  ])('takes %s for %s', (name, meant) => {
    expect(findNearestName(name, known)).toBe(meant)
  })

  it.each(['n', 'functions', 'x'.repeat(10_000), ''])('gives nothing for %.20s', (name) => {
    expect(findNearestName(name, known)).toBeUndefined()
  })
})
