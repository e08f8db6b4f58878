import { Controller, Get, Header } from '@nestjs/common'
import { Readiness, StatusRegistry } from '#libs/health'
import { BreakerBoard } from '#libs/resilience'
import { AdminPolicy } from './admin-policy.decorator.js'
import { AdminFacts } from './admin-facts.js'

/** What this replica does and waits for. */
@Controller('health')
export class StatusController {
  constructor(
    private readonly facts: AdminFacts,
    private readonly readiness: Readiness,
    private readonly registry: StatusRegistry,
    private readonly breakers: BreakerBoard,
  ) {}

  @Get('details')
  @Header('Cache-Control', 'no-store')
  @AdminPolicy('status:read')
  async details(): Promise<Record<string, unknown>> {
    const [health, parts] = await Promise.all([this.readiness.indicators(), this.registry.describe()])
    return { ...this.facts.describe(), health, breakers: this.breakers.states, ...parts }
  }
}
