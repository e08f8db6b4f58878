import { mkdirSync, writeFileSync } from 'node:fs'
import { Logger } from '@nestjs/common'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { simulate } from './simulate.js'

/** How many schedules run, and from which seed on. One seed alone is one schedule. */
const RUNS = Number(process.env.SIMULATION_RUNS ?? 200)
const SEED = Number(process.env.SIMULATION_SEED ?? 1)

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
  vi.spyOn(Logger.prototype, 'error').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('the core on ports that fail', () => {
  it('ends every task once and well in any schedule of faults', { timeout: 60_000 + RUNS * 1_000 }, async () => {
    const startedMs = performance.now()
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const violations = await simulate(seed)
      if (violations.length > 0) saveFailure(seed, violations)
      expect(violations, `to run this schedule again: SIMULATION_SEED=${seed} SIMULATION_RUNS=1`).toEqual([])
    }
    const seconds = (performance.now() - startedMs) / 1_000
    process.stdout.write(`simulation: ${RUNS} schedules from seed ${SEED}, ${(RUNS / seconds).toFixed(1)} a second\n`)
  })
})

function saveFailure(seed: number, violations: readonly string[]): void {
  mkdirSync('reports/simulation', { recursive: true })
  writeFileSync(`reports/simulation/${seed}.json`, `${JSON.stringify({ seed, violations }, null, 2)}\n`)
}
