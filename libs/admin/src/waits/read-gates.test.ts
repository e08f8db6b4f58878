import { describe, expect, it } from 'vitest'
import { LaneGates, type GateReading, type LimitFacts, type MeterCandidate } from '#libs/kernel'
import { refuse } from '../../../../test/fakes/refuse.js'
import { makeWaitFacts, WAIT_NOW } from '../../../../test/factories/wait-facts.factory.js'
import { readGates } from './read-gates.js'

const LIMITS: LimitFacts = { nowMs: WAIT_NOW.getTime(), gates: [], calls: [], routes: [], levels: [] }

/** Lets calls of up to 100 tokens pass. */
class SmallGates extends LaneGates {
  readonly keysOf = refuse('keysOf')
  readonly unknownOf = refuse('unknownOf')

  read(_lane: unknown, _facts: unknown, candidates: readonly MeterCandidate[]): readonly GateReading[] {
    const blocks = candidates.some(({ estimatedTokens }) => estimatedTokens > 100)
    return [{ gate: 'g', name: 'g', value: 0, limit: 100, unit: 'tokens', blocks, waitMs: null, detail: 'too large' }]
  }
}

const facts = makeWaitFacts()
const large = { taskId: 'large', candidate: { ...facts.task.candidate, id: 1, estimatedTokens: 200 } }
const read = (fields: Parameters<typeof makeWaitFacts>[0]) => readGates(new SmallGates(), makeWaitFacts(fields), LIMITS)

describe(readGates.name, () => {
  it('lets a task pass that fits, alone or after one that fits', () => {
    expect(read({})).toMatchObject([{ blocks: false }])
    expect(read({ laneFirst: { taskId: 'small', candidate: { ...large.candidate, estimatedTokens: 1 } } })).toMatchObject([
      { blocks: false },
    ])
  })

  it('blocks a task that fits behind one that does not, and says so', () => {
    expect(read({ laneFirst: large })).toMatchObject([
      { blocks: true, detail: 'large goes before it in its lane and must wait: too large' },
    ])
  })

  it('does not blame the first where the task itself does not fit, or is the first', () => {
    const candidate = { ...facts.task.candidate, estimatedTokens: 300 }
    expect(read({ task: { candidate }, laneFirst: large })).toMatchObject([{ blocks: true, detail: 'too large' }])
    expect(read({ task: { candidate }, laneFirst: { taskId: 'a', candidate } })).toMatchObject([{ blocks: true, detail: 'too large' }])
  })

  it('lets a task pass that needs no call, whatever is before it', () => {
    expect(read({ task: { candidate: { ...facts.task.candidate, needsCall: false } }, laneFirst: large })).toMatchObject([
      { blocks: false },
    ])
  })
})
