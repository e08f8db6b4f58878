import { describe, expect, it } from 'vitest'
import { ModelTables } from '../model/model.tables.js'
import { findViolations } from './invariants.js'

describe(findViolations.name, () => {
  it.each([
    [3, []],
    [4, ['a4 was call number 4 at once, and 3 are allowed']],
  ])('counts %i calls in flight against the streams', (inFlight, violations) => {
    const sends = [{ attemptId: `a${inFlight}`, wasAnswered: false, wasOpen: true, inFlight }]
    const evidence = { tables: new ModelTables(), accepted: [], sends, topic: new Map(), types: [], maxStreams: 3 }
    expect(findViolations(evidence)).toEqual(violations)
  })
})
