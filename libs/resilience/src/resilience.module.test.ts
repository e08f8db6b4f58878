import { Global, Logger, Module } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { register } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Clock, TaskError } from '#libs/kernel'
import { PortPolicies } from './ports/port-policies.js'
import { ResilienceEvents } from './ports/resilience.events.js'
import { ResilienceModule } from './resilience.module.js'
import { ManualClock } from './testing/manual.clock.js'

const lines: unknown[][] = []
const NEVER = new AbortController().signal

async function createModule() {
  const clock = new ManualClock()
  @Global()
  @Module({ providers: [{ provide: Clock, useValue: clock }], exports: [Clock] })
  class ClockModule {}
  const module = await Test.createTestingModule({ imports: [ClockModule, ResilienceModule] }).compile()
  onTestFinished(() => module.close())
  lines.length = 0
  return { clock, events: module.get(ResilienceEvents), policies: module.get(PortPolicies) }
}

async function valueOf(name: string): Promise<unknown> {
  return (await register.getSingleMetric(name)!.get()).values.map(({ labels, value }) => [labels['port'], value])
}

describe(ResilienceModule.name, () => {
  beforeEach(() => {
    register.clear()
    for (const level of ['log', 'warn', 'debug'] as const) {
      vi.spyOn(Logger.prototype, level).mockImplementation((message: unknown) => void lines.push([level, message]))
    }
  })
  afterEach(() => void vi.restoreAllMocks())

  it('shows the state of a breaker, and writes one line when it opens and one when it closes', async () => {
    const { clock, policies } = await createModule()
    const breaker = policies.makeBreaker({ port: 's3', settings: { failures: 1, openMs: 100 }, isAway: () => true })
    const fail = () => breaker.execute(() => Promise.reject(new Error('away'))).catch(() => {})
    expect(await valueOf('sluice_breaker_state')).toEqual([['s3', 0]])
    await fail()
    expect(await valueOf('sluice_breaker_state')).toEqual([['s3', 2]])
    clock.advance(100)
    await fail()
    clock.advance(100)
    const { promise, resolve } = Promise.withResolvers<void>()
    const probe = breaker.execute(() => promise)
    expect(await valueOf('sluice_breaker_state')).toEqual([['s3', 1]])
    resolve()
    await probe
    expect(await valueOf('sluice_breaker_state')).toEqual([['s3', 0]])
    expect(lines.filter(([level]) => level !== 'debug')).toEqual([
      ['warn', 'a port is away: its breaker has opened'],
      ['log', 'a port is back: its breaker has closed'],
    ])
  })

  it('counts retries and calls that are given up, and writes no line for them', async () => {
    const { policies } = await createModule()
    const retry = { attempts: 3, budgetMs: 1_000, initialDelayMs: 0, maxDelayMs: 0 }
    const policy = policies.makePolicy({ port: 'kafka', retry, timeoutMs: 20 })
    await policy.execute(() => Promise.reject(TaskError.unavailable('queue_unavailable', 'away')), NEVER).catch(() => {})
    await policy.execute(() => new Promise<never>(() => {}), NEVER).catch(() => {})
    expect(await valueOf('sluice_port_retries_total')).toEqual([['kafka', 2]])
    expect(await valueOf('sluice_port_give_ups_total')).toEqual([['kafka', 2]])
    expect(lines.filter(([level]) => level !== 'debug')).toEqual([])
  })

  it('retries facts without an end, waiting as long as it is told, and warns once in ten tries', async () => {
    const { policies, events } = await createModule()
    const delays: number[] = []
    events.on('retried', ({ delayMs }) => delays.push(delayMs))
    const persistence = policies.makeEndlessPolicy({ port: 'postgres', retry: { initialDelayMs: 0, maxDelayMs: 0 } })
    const refused = new TaskError('ledger_unavailable', 'its breaker is open', { retryable: true, retryAfterMs: 1 })
    let tries = 0
    await persistence.execute(async () => {
      if (++tries < 22) throw refused
    }, NEVER)
    expect(delays).toEqual(Array.from({ length: 21 }, () => 1))
    expect(lines.filter(([level]) => level === 'warn')).toEqual([
      ['warn', 'a port has refused a call again and again'],
      ['warn', 'a port has refused a call again and again'],
    ])
  })
})
