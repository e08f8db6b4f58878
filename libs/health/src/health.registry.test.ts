import { Logger } from '@nestjs/common'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'

class Scripted extends HealthContributor {
  readonly name = 's3'
  readonly critical = true
  report: HealthReport = { status: 'up' }
  check = async () => this.report
}

describe(HealthRegistry.name, () => {
  it('logs each change once', async () => {
    const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue()
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
    onTestFinished(() => void vi.restoreAllMocks())
    const registry = new HealthRegistry({ timeoutMs: 1_000, cacheMs: 0 })
    const contributor = new Scripted()
    registry.register(contributor)

    await registry.reports()
    contributor.report = { status: 'down', details: { error: 'away' } }
    await registry.reports()
    await registry.reports()
    contributor.report = { status: 'up' }
    await registry.reports()

    expect(warn.mock.calls).toEqual([['health changed', { name: 's3', from: 'up', to: 'down', details: { error: 'away' } }]])
    expect(log.mock.calls).toEqual([['health changed', { name: 's3', from: 'down', to: 'up' }]])
  })

  it('refuses a second contributor of the same name', () => {
    const registry = new HealthRegistry()
    registry.register(new Scripted())
    expect(() => registry.register(new Scripted())).toThrow('health contributor "s3" is registered twice')
  })
})
