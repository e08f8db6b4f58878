import { asyncProperty, assert, array, double, integer, record } from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { TaskError } from '#libs/kernel'
import { ManualClock } from '../testing/manual.clock.js'
import { recordEvents } from '../testing/record-events.js'
import { PortPolicy } from './port-policy.js'
import { ResilienceEvents } from './resilience.events.js'

const NEVER = new AbortController().signal
const settings = record({
  attempts: integer({ min: 1, max: 12 }),
  budgetMs: integer({ min: 0, max: 20_000 }),
  initialDelayMs: integer({ min: 0, max: 1_000 }),
  more: integer({ min: 0, max: 5_000 }),
})
/** How long a try takes and what the other side asks for then. */
const tries = array(record({ tookMs: integer({ min: 0, max: 3_000 }), askedMs: integer({ min: 0, max: 8_000 }) }), {
  minLength: 12,
  maxLength: 12,
})

describe('the retries of a call that always fails', () => {
  it('keep to their attempts and their budget, wait as asked and never longer than allowed', async () => {
    vi.useFakeTimers()
    try {
      await assert(
        asyncProperty(settings, tries, double({ min: 0, max: 0.999, noNaN: true }), async ({ more, ...limits }, plan, share) => {
          const retry = { ...limits, maxDelayMs: limits.initialDelayMs + more }
          const clock = new ManualClock()
          const events = new ResilienceEvents()
          const { retried, gaveUp } = recordEvents(events)
          events.on('retried', ({ delayMs }) => clock.advance(delayMs))
          const policy = new PortPolicy({ port: 's3', retry, events, clock, random: () => share })
          const startedAt: number[] = []
          const call = policy.execute((attempt) => {
            startedAt.push(clock.monotonicMs())
            const { tookMs, askedMs } = plan[attempt - 1]!
            clock.advance(tookMs)
            return Promise.reject(new TaskError('storage_unavailable', 'away', { retryable: true, retryAfterMs: askedMs }))
          }, NEVER)
          const outcome = call.catch((error: unknown) => error)
          await vi.runAllTimersAsync()
          expect(await outcome).toBeInstanceOf(TaskError)
          expect(startedAt.length).toBeLessThanOrEqual(retry.attempts)
          expect(Math.max(...startedAt)).toBeLessThanOrEqual(retry.budgetMs)
          expect(retried).toHaveLength(startedAt.length - 1)
          expect(gaveUp).toHaveLength(1)
          retried.forEach(({ delayMs }, index) => {
            const { askedMs } = plan[index]!
            expect(delayMs).toBeGreaterThanOrEqual(askedMs)
            expect(delayMs).toBeLessThanOrEqual(Math.max(askedMs, retry.maxDelayMs))
          })
        }),
      )
    } finally {
      vi.useRealTimers()
    }
  })
})
