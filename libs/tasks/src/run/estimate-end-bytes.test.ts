import { describe, expect, it } from 'vitest'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { estimateEndBytes } from './estimate-end-bytes.js'
import type { EndedRun } from './result-event.js'

const FIXED = 2_048
const task = makeClaimedTask({ payload: 'x'.repeat(500) })

function estimate(fields: Partial<EndedRun>, deadLetter?: Buffer): number {
  const run: EndedRun = {
    eventId: 'e',
    task,
    outcome: 'succeeded',
    facts: {},
    attempts: 1,
    traceparent: null,
    claimedAtMs: 0,
    finishedAtMs: 0,
    ...fields,
  }
  return estimateEndBytes(run, deadLetter && { eventId: 'e', value: deadLetter })
}

describe(estimateEndBytes.name, () => {
  it.each([
    ['nothing beside what every end has', {}, undefined, 0],
    ['the text of the answer, in bytes', { output: { text: 'я'.repeat(100) } }, undefined, 200],
    ['the text and its JSON', { output: { text: '{"n":1}', json: { n: 1 } } }, undefined, 14],
    ['no text that lies in storage', { output: { outputRef: { bucket: 'b', key: 'k', sha256: 'f', size: 9_999 } } }, undefined, 0],
    ['metadata as at most the whole message', { facts: { metadata: { order: 1 } } }, undefined, 500],
    ['the dead letter', {}, Buffer.alloc(700), 700],
  ])('counts %s', (_, fields, deadLetter, expected) => {
    expect(estimate(fields, deadLetter)).toBe(FIXED + expected)
  })
})
