import { Injectable } from '@nestjs/common'
import type { HealthIndicatorResult } from '@nestjs/terminus'
import type { HealthReport } from './health-contributor.js'
import { HealthRegistry, type NamedReport } from './health.registry.js'
import { Lifecycle } from './lifecycle.js'

export interface ReadinessSummary {
  readonly isReady: boolean
  readonly states: ReadonlyMap<string, HealthReport['status']>
}

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

  async summary(): Promise<ReadinessSummary> {
    const reports = await this.registry.reports()
    const states = new Map(reports.map((report) => [report.name, readStatus(report)]))
    return { isReady: this.lifecycle.phase === 'running' && ![...states.values()].includes('down'), states }
  }

  private describePhase() {
    const { phase, drainReason } = this.lifecycle
    return { status: phase === 'running' ? 'up' : 'down', phase, ...(drainReason !== undefined && { reason: drainReason }) }
  }
}

/** What is not critical never makes the service unready. */
function readStatus({ status, critical }: NamedReport): HealthReport['status'] {
  return status === 'down' && !critical ? 'degraded' : status
}

function describeReport(report: NamedReport) {
  const { critical, details, latencyMs, lastError } = report
  return {
    ...details,
    status: readStatus(report),
    critical,
    latency_ms: latencyMs,
    ...(lastError && { last_error: { at: new Date(lastError.atMs).toISOString(), status: lastError.status, error: lastError.error } }),
  }
}
