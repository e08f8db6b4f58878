import { Injectable, Logger } from '@nestjs/common'
import { SystemClock, type Clock } from '#libs/kernel'
import type { HealthContributor, HealthReport } from './health-contributor.js'
import { HealthProbe, type ProbedReport, type ProbeLimits } from './health-probe.js'

export interface NamedReport extends ProbedReport {
  readonly name: string
  readonly critical: boolean
}

const LIMITS: ProbeLimits = { timeoutMs: 1_000, cacheMs: 1_000 }

/** Everything that the service's health depends on. Logs each change once. */
@Injectable()
export class HealthRegistry {
  private readonly logger = new Logger(HealthRegistry.name)
  private readonly probes = new Map<string, HealthProbe>()
  private readonly lastStatus = new Map<string, HealthReport['status']>()

  constructor(
    private readonly limits: ProbeLimits = LIMITS,
    private readonly clock: Clock = new SystemClock(),
  ) {}

  /** Throws if another contributor has the same name. */
  register(contributor: HealthContributor): void {
    if (this.probes.has(contributor.name)) throw new Error(`health contributor "${contributor.name}" is registered twice`)
    this.probes.set(contributor.name, new HealthProbe(contributor, this.limits, this.clock))
  }

  /** One report for each contributor, within the time limit. Never rejects. */
  reports(): Promise<NamedReport[]> {
    return Promise.all([...this.probes.values()].map((probe) => this.ask(probe)))
  }

  private async ask(probe: HealthProbe): Promise<NamedReport> {
    const { name, critical } = probe.contributor
    const report = await probe.report()
    this.logChange(name, report)
    return { ...report, name, critical }
  }

  private logChange(name: string, { status, details }: HealthReport): void {
    const before = this.lastStatus.get(name)
    if (before === status) return
    this.lastStatus.set(name, status)
    if (status !== 'up') this.logger.warn('health changed', { name, from: before, to: status, details })
    else if (before !== undefined) this.logger.log('health changed', { name, from: before, to: status })
  }
}
