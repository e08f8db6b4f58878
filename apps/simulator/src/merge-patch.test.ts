import { describe, expect, it } from 'vitest'
import { mergePatch } from './merge-patch.js'

describe(mergePatch.name, () => {
  it('merges objects and replaces the rest', () => {
    expect(mergePatch({ a: { b: 1, c: [1] }, d: 2 }, { a: { c: [2] } })).toEqual({ a: { b: 1, c: [2] }, d: 2 })
  })

  it('deletes a key on null', () => {
    expect(mergePatch({ a: 1, b: 2 }, { a: null })).toEqual({ b: 2 })
  })

  it('replaces an object whole when the patch names a kind', () => {
    expect(mergePatch({ kind: 'fixed', ms: 1 }, { kind: 'uniform', minMs: 1, maxMs: 2 })).toEqual({ kind: 'uniform', minMs: 1, maxMs: 2 })
  })
})
