import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError } from '#libs/kernel'
import { HealthContributor, type HealthReport } from '#libs/health'
import { HealthProbe } from './health-probe.js'

class Scripted extends HealthContributor {
  readonly name = 's3'
  readonly critical = true
  readonly signals: AbortSignal[] = []

  constructor(private readonly answer: (signal: AbortSignal) => Promise<HealthReport>) {
    super()
  }

  check(signal: AbortSignal): Promise<HealthReport> {
    this.signals.push(signal)
    return this.answer(signal)
  }
}

function makeProbe(answer: (signal: AbortSignal) => Promise<HealthReport>) {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const contributor = new Scripted(answer)
  const clock = { nowMs: () => Date.now(), monotonicMs: () => Date.now() }
  return { contributor, probe: new HealthProbe(contributor, { timeoutMs: 1_000, cacheMs: 1_000 }, clock) }
}

const up: HealthReport = { status: 'up', details: { endpoint: 'http://s3' } }

describe(HealthProbe.name, () => {
  it('gives the same answer to everybody who asks within the time of the cache', async () => {
    const { contributor, probe } = makeProbe(async () => up)
    const reports = await Promise.all([probe.report(), probe.report()])
    await vi.advanceTimersByTimeAsync(999)
    reports.push(await probe.report())
    expect(reports).toEqual(Array.from({ length: 3 }, () => ({ ...up, latencyMs: 0, lastError: undefined })))
    expect(contributor.signals).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    await probe.report()
    expect(contributor.signals).toHaveLength(2)
  })

  it('takes an error as down and shows its causes', async () => {
    const { probe } = makeProbe(async () => {
      throw TaskError.unavailable('storage_unavailable', 'away', new Error('reset'))
    })
    const error = ['TaskError [storage_unavailable]: away', 'Error: reset']
    await expect(probe.report()).resolves.toEqual({
      status: 'down',
      details: { error },
      latencyMs: 0,
      lastError: { atMs: Date.now(), status: 'down', error },
    })
  })

  it('answers down after its limit while a check hangs, and starts no second one', async () => {
    const ends: ((report: HealthReport) => void)[] = []
    const { contributor, probe } = makeProbe(() => new Promise((resolve) => ends.push(resolve)))
    const first = probe.report()
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(first).resolves.toMatchObject({ status: 'down', details: { hanging_ms: 1_000 } })
    await vi.advanceTimersByTimeAsync(4_000)
    await expect(probe.report()).resolves.toMatchObject({ status: 'down', details: { hanging_ms: 5_000 } })
    expect(contributor.signals).toHaveLength(1)

    ends[0]!(up)
    await vi.advanceTimersByTimeAsync(1_000)
    const next = probe.report()
    ends[1]!(up)
    await expect(next).resolves.toMatchObject(up)
    expect(contributor.signals).toHaveLength(2)
  })

  it('tells how long the check took, and what was wrong last, also when it is well again', async () => {
    const reports: HealthReport[] = [{ status: 'degraded', details: { error: 'slow' } }, up]
    const { probe } = makeProbe(async () => {
      await vi.advanceTimersByTimeAsync(250)
      return reports.shift()!
    })
    const wasAtMs = Date.now() + 250
    await expect(probe.report()).resolves.toMatchObject({ status: 'degraded', latencyMs: 250 })
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(probe.report()).resolves.toMatchObject({ ...up, lastError: { atMs: wasAtMs, status: 'degraded', error: 'slow' } })
  })
})
