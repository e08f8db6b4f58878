import { Test } from '@nestjs/testing'
import { register } from 'prom-client'
import { beforeEach, expect, it, describe } from 'vitest'
import { HealthContributor, HealthModule, HealthRegistry, Lifecycle, type HealthReport } from '#libs/health'
import { HealthMeter } from './health.meter.js'

beforeEach(() => register.clear())

async function create(reports: Readonly<Record<string, { critical: boolean; status: HealthReport['status'] }>>): Promise<Lifecycle> {
  const module = await Test.createTestingModule({ imports: [HealthModule] }).compile()
  for (const [name, { critical, status }] of Object.entries(reports)) {
    module.get(HealthRegistry).register(
      new (class extends HealthContributor {
        readonly name = name
        readonly critical = critical
        check = () => Promise.resolve({ status })
      })(),
    )
  }
  module.get(Lifecycle).onApplicationBootstrap()
  return module.get(Lifecycle)
}

describe(HealthMeter.name, () => {
  it('shows as degraded what is down and not critical, and stays ready', async () => {
    await create({ postgres: { critical: true, status: 'up' }, s3: { critical: false, status: 'down' } })
    const text = await register.metrics()
    expect(text).toContain('sluice_ready 1')
    expect(text).toContain('sluice_health_status{name="postgres"} 0')
    expect(text).toContain('sluice_health_status{name="s3"} 1')
  })

  it('is not ready while something critical is down', async () => {
    await create({ kafka: { critical: true, status: 'down' } })
    const text = await register.metrics()
    expect(text).toContain('sluice_ready 0')
    expect(text).toContain('sluice_health_status{name="kafka"} 2')
  })

  it('is not ready while it drains', async () => {
    const lifecycle = await create({})
    lifecycle.drain('SIGTERM')
    expect(await register.metrics()).toContain('sluice_ready 0')
  })
})
