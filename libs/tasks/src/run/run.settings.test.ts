import { describe, expect, it } from 'vitest'
import { runSettings } from './run.settings.js'

describe('runSettings', () => {
  it('keep answers of up to 256 KiB inline, and give up a task after three deaths of its own, where nothing else is said', () => {
    expect(runSettings.parse({})).toEqual({ inlineAnswerBytes: 262_144, filesInHandBytes: 67_108_864, maxCrashes: 3 })
    expect(runSettings.parse({ INLINE_ANSWER_BYTES: '0', MAX_CRASHES: '1' })).toMatchObject({ inlineAnswerBytes: 0, maxCrashes: 1 })
  })

  it.each([
    ['INLINE_ANSWER_BYTES', '716801'],
    ['FILES_IN_HAND_BYTES', '0'],
    ['MAX_CRASHES', '0'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => runSettings.parse({ [name]: value })).toThrow(name)
  })
})
