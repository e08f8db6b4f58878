import { Controller, Get } from '@nestjs/common'
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus'
import { Readiness } from './readiness.js'

interface Liveness {
  readonly status: 'ok'
}

/**
 * live: the event loop turns; nothing else, or a dependency that is away would restart every replica. startup: all modules are up.
 * ready: work may be sent here; 503 names what is down.
 */
@Controller('health')
export class HealthController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly readiness: Readiness,
  ) {}

  @Get('live')
  @HealthCheck()
  live(): Liveness {
    return { status: 'ok' }
  }

  @Get('startup')
  @HealthCheck()
  startup(): Promise<HealthCheckResult> {
    return this.checks.check([() => this.readiness.startup()])
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.checks.check([() => this.readiness.indicators()])
  }
}
