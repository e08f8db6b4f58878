import { describe, expect, it } from 'vitest'
import { ContextWindows } from './context-windows.js'

describe(ContextWindows.name, () => {
  it.each([
    ['GigaChat-2-Max', 128_000],
    ['GigaChat-2-Pro-preview', 128_000],
    ['GigaChat:2.0.28.2', 128_000],
    ['own', 32_000],
    ['GigaChat-2', 64_000],
    ['unknown', undefined],
  ])('knows %s as %j', (model, tokens) => {
    const windows = new ContextWindows(new Map(Object.entries({ own: 32_000, 'GigaChat-2': 64_000 })))
    expect(windows.of(model)).toBe(tokens)
  })
})
