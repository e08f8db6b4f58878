import { Injectable } from '@nestjs/common'
import type { HealthIndicatorResult } from '@nestjs/terminus'
import { HealthRegistry, type NamedReport } from './health.registry.js'
import { Lifecycle } from './lifecycle.js'

/** Whether work may be sent here, as indicators of terminus: one of each contributor, and the phase of the process. */
@Injectable()
export class Readiness {
  constructor(
    private readonly registry: HealthRegistry,
    private readonly lifecycle: Lifecycle,
  ) {}

  async indicators(): Promise<HealthIndicatorResult> {
    const reports = await this.registry.reports()
    return Object.fromEntries([['lifecycle', this.describePhase()], ...reports.map((report) => [report.name, describeReport(report)])])
  }

  startup(): HealthIndicatorResult {
    return { lifecycle: { status: this.lifecycle.phase === 'starting' ? 'down' : 'up', phase: this.lifecycle.phase } }
  }

  private describePhase() {
    const { phase, drainReason } = this.lifecycle
    return { status: phase === 'running' ? 'up' : 'down', phase, ...(drainReason !== undefined && { reason: drainReason }) }
  }
}

/** What is not critical never makes the service unready. */
function describeReport({ status, critical, details }: NamedReport) {
  return { ...details, status: status === 'down' && !critical ? 'degraded' : status, critical }
}
