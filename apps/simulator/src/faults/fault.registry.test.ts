import { describe, expect, it } from 'vitest'
import { makeRandom } from '../random.js'
import type { CallFacts } from '../http/call.facts.js'
import { FaultRegistry, type FaultTarget } from './fault.registry.js'
import { faultSchema, type FaultInput } from './fault.schema.js'

function makeRegistry(...faults: FaultInput[]): FaultRegistry {
  const registry = new FaultRegistry()
  for (const fault of faults) registry.add(faultSchema.parse(fault))
  return registry
}

function makeTarget(facts: Partial<CallFacts> = {}, target: Partial<FaultTarget> = {}): FaultTarget {
  return {
    endpoint: 'chat',
    path: '/v1/chat/completions',
    credential: 'client',
    facts: { model: 'GigaChat-2', stream: false, tasks: ['t-1'], promptText: () => 'tell me a story', ...facts },
    ...target,
  }
}

function hits(registry: FaultRegistry, target: FaultTarget, calls = 1): number {
  const random = makeRandom(1)
  return Array.from({ length: calls }, () => registry.choose(target, random).fault).filter((fault) => fault !== undefined).length
}

const ERROR = { kind: 'error', status: 500 } as const

describe(FaultRegistry.name, () => {
  it.each<[string, FaultInput['filter'], FaultTarget, boolean]>([
    ['chat by default', {}, makeTarget(), true],
    ['no other endpoint by default', {}, makeTarget({}, { endpoint: 'oauth' }), false],
    ['its endpoint', { endpoint: 'oauth' }, makeTarget({}, { endpoint: 'oauth' }), true],
    ['every endpoint', { endpoint: '*' }, makeTarget({}, { endpoint: 'files' }), true],
    ['its path', { path: '/v1/chat/completions' }, makeTarget(), true],
    ['no other path', { path: '/v2/chat/completions' }, makeTarget(), false],
    ['its model', { model: 'GigaChat-2' }, makeTarget(), true],
    ['no other model', { model: 'GigaChat' }, makeTarget(), false],
    ['its task', { task: 't-1' }, makeTarget(), true],
    ['no other task', { task: 't' }, makeTarget(), false],
    ['its prompt', { prompt: 's.ory$' }, makeTarget(), true],
    ['no other prompt', { prompt: '^story' }, makeTarget(), false],
    ['its credential', { credential: 'client' }, makeTarget(), true],
    ['no other credential', { credential: 'x' }, makeTarget(), false],
    ['only streams', { stream: true }, makeTarget(), false],
    ['streams', { stream: true }, makeTarget({ stream: true }), true],
  ])('hits %s', (_name, filter, target, hit) => {
    expect(hits(makeRegistry({ ...ERROR, filter }), target)).toBe(hit ? 1 : 0)
  })

  it('hits the next calls after those that it skips', () => {
    const registry = makeRegistry({ ...ERROR, skip: 2, count: 3 })

    expect(hits(registry, makeTarget(), 2)).toBe(0)
    expect(hits(registry, makeTarget(), 10)).toBe(3)
    expect(registry.list()).toMatchObject([{ hits: 3, left: 0 }])
  })

  it('hits about as many as its probability says, the same ones with the same seed', () => {
    const registry = makeRegistry({ ...ERROR, probability: 0.2 })

    expect(Math.abs(hits(registry, makeTarget(), 5000) - 1000)).toBeLessThan(100)
    expect(hits(registry, makeTarget(), 5000)).toBe(hits(registry, makeTarget(), 5000))
  })

  it('chooses the first rule that fires, and latency beside it', () => {
    const latency = { kind: 'latency', latency: { kind: 'fixed', ms: 5 } } as const
    const registry = makeRegistry({ ...ERROR, id: 'a' }, latency, { ...ERROR, id: 'b' })

    const chosen = registry.choose(makeTarget(), makeRandom(1))

    expect(chosen).toMatchObject({ fault: { id: 'a' }, latency: { latency: { ms: 5 } } })
  })

  it('keeps rules that only streams can show for streams', () => {
    const registry = makeRegistry({ kind: 'no_done', count: 1 })

    expect(hits(registry, makeTarget())).toBe(0)
    expect(hits(registry, makeTarget({ stream: true }))).toBe(1)
  })

  it('replaces a rule by one with the same id and removes one or all', () => {
    const registry = makeRegistry({ ...ERROR, id: 'a' }, { ...ERROR, id: 'a', status: 503 }, ERROR)

    expect(registry.list()).toMatchObject([{ id: 'a', status: 503 }, { id: 'fault-1' }])
    expect([registry.remove('a'), registry.remove('a')]).toEqual([true, false])
    registry.clear()
    expect(registry.list()).toEqual([])
  })
})
