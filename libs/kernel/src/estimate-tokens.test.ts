import { describe, expect, it } from 'vitest'
import { estimateMessageTokens, estimateTokens } from '#libs/kernel'

describe(estimateTokens.name, () => {
  it('counts three characters of an alphabet as a token', () => {
    expect(estimateTokens('')).toBe(0)
    expect(estimateTokens('abcd')).toBe(2)
    expect(estimateTokens('привет')).toBe(2)
  })

  it('counts every character of a script without an alphabet, and every half of an emoji', () => {
    expect(estimateTokens('请用两句话')).toBe(5)
    expect(estimateTokens('abc👍')).toBe(3)
  })
})

describe(estimateMessageTokens.name, () => {
  it('adds what each message costs beside its text', () => {
    expect(estimateMessageTokens([])).toBe(0)
    expect(estimateMessageTokens([{ content: 'abc' }, { content: '' }])).toBe(17)
  })
})
