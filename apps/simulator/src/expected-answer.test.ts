import { describe, expect, it } from 'vitest'
import { BLACKLIST_REFUSAL, expectedAnswer, readPrompt } from './expected-answer.js'

function ask(content: string): string {
  return expectedAnswer([{ role: 'user', content }])
}

describe(expectedAnswer.name, () => {
  it('quotes the task markers, the first twelve words and a digest', () => {
    const words = Array.from({ length: 20 }, (_, index) => `w${index}`).join(' ')

    expect(ask(`[[task:a-1]] ${words}`)).toMatch(/^Answer \[\[task:a-1\]\]: w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 \(#[0-9a-f]{16}\)$/)
  })

  it('is the same for the same prompt and differs with any message', () => {
    const system = { role: 'system', content: 'Be brief' }
    const user = { role: 'user', content: 'Hello' }

    expect(expectedAnswer([system, user])).toBe(expectedAnswer([{ ...system }, { ...user }]))
    expect(expectedAnswer([system, user])).not.toBe(expectedAnswer([{ role: 'system', content: 'Be brieF' }, user]))
    expect(expectedAnswer([system, user])).not.toBe(expectedAnswer([user]))
  })

  it('differs when text moves from one message to the next', () => {
    const first = expectedAnswer([
      { role: 'system', content: 'ab' },
      { role: 'user', content: 'c' },
    ])
    const second = expectedAnswer([
      { role: 'system', content: 'a' },
      { role: 'user', content: 'bc' },
    ])

    expect(first.slice(-18)).not.toBe(second.slice(-18))
  })

  it('echoes every task marker of all messages once', () => {
    const answer = expectedAnswer([
      { role: 'system', content: '[[task:one]]' },
      { role: 'user', content: '[[task:two]] [[task:one]] x' },
    ])

    expect(answer).toContain('Answer [[task:one]] [[task:two]]: x (#')
  })

  it('is exactly the JSON of a json marker, also with brackets inside', () => {
    expect(ask('x [[json:{"a":[[1,2]],"b":"]]"}]] y')).toBe('{"a":[[1,2]],"b":"]]"}')
  })

  it('is an ordinary answer when the json marker holds no JSON', () => {
    expect(ask('[[json:{oops]] hello')).toMatch(/^Answer: hello/)
  })

  it.each([0, 10, 51, 1000])('has %i bytes when the prompt orders that many', (bytes) => {
    expect(Buffer.byteLength(ask(`[[answer_bytes:${bytes}]] Привет, мир, как дела`))).toBe(bytes)
  })

  it('refuses on the blacklist marker and is empty for a function', () => {
    expect(ask('[[blacklist]]')).toBe(BLACKLIST_REFUSAL)
    expect(ask('[[function:weather]]')).toBe('')
  })

  it('answers in words after the result of a function', () => {
    const answer = expectedAnswer([
      { role: 'user', content: '[[function:weather]] how is it' },
      { role: 'assistant', content: '' },
      { role: 'function', content: '{}' },
    ])

    expect(answer).toMatch(/^Answer: how is it/)
  })

  it('is cut on the length marker', () => {
    expect(ask('[[length]] hello').length).toBeLessThan(ask('[[other]] hello').length)
  })

  it('is well-formed when the quoted words end in the middle of a surrogate pair', () => {
    expect(ask(`${'x'.repeat(299)}😀`).isWellFormed()).toBe(true)
  })

  it('obeys orders only in the last user message', () => {
    const { markers } = readPrompt([
      { role: 'user', content: '[[blacklist]] [[latency:5]]' },
      { role: 'assistant', content: 'no' },
      { role: 'user', content: '[[latency:7]]' },
    ])

    expect(markers).toMatchObject({ blacklist: false, latencyMs: 7 })
  })

  it('ignores a marker that is not closed', () => {
    expect(readPrompt([{ role: 'user', content: '[[task:a' }]).markers.tasks).toEqual([])
  })
})
