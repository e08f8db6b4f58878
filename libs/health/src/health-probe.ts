import { describeCauses, type Clock } from '#libs/kernel'
import type { HealthContributor, HealthReport } from './health-contributor.js'

export interface ProbeLimits {
  readonly timeoutMs: number
  /** How long an answer is given again without a new check. */
  readonly cacheMs: number
}

/** What was wrong when a check said last that something was. */
export interface LastError {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly status: HealthReport['status']
  readonly error: unknown
}

export interface ProbedReport extends HealthReport {
  /** How long the check took. */
  readonly latencyMs: number
  /** Kept also after it is well again; undefined before anything was wrong. */
  readonly lastError: LastError | undefined
}

/** The check is told to stop before its time is over, so that it can still say what it was waiting for. */
const CHECK_SHARE = 0.9

interface Answer {
  readonly report: Promise<ProbedReport>
  readonly askedAtMs: number
}

/**
 * Asks one contributor, at most once at a time and once in `cacheMs`, and answers within `timeoutMs` whatever the contributor does: it
 * trades an answer up to `cacheMs` old for a load that does not depend on how often, and by how many, the probe is read.
 *
 * A check that ignores its time limit is not started again before it has ended, so a dependency that hangs costs one pending call.
 */
export class HealthProbe {
  private answer: Answer | undefined
  private lastError: LastError | undefined
  /** Since when a check that has passed its limit has been running. */
  private hangingSinceMs: number | undefined

  constructor(
    readonly contributor: HealthContributor,
    private readonly limits: ProbeLimits,
    private readonly clock: Clock,
  ) {}

  report(): Promise<ProbedReport> {
    const nowMs = this.clock.monotonicMs()
    if (this.answer === undefined || nowMs - this.answer.askedAtMs >= this.limits.cacheMs) {
      this.answer = { report: this.measure(nowMs), askedAtMs: nowMs }
    }
    return this.answer.report
  }

  private async measure(askedAtMs: number): Promise<ProbedReport> {
    const report = await this.ask(askedAtMs)
    if (report.status !== 'up') this.lastError = { atMs: this.clock.nowMs(), status: report.status, error: report.details?.error ?? null }
    return { ...report, latencyMs: Math.round(this.clock.monotonicMs() - askedAtMs), lastError: this.lastError }
  }

  private async ask(nowMs: number): Promise<HealthReport> {
    if (this.hangingSinceMs !== undefined) return makeHanging(nowMs - this.hangingSinceMs)
    const check = this.check(AbortSignal.timeout(this.limits.timeoutMs * CHECK_SHARE))
    const report = await firstOrLate(check, this.limits.timeoutMs)
    if (report !== undefined) return report
    this.hangingSinceMs = nowMs
    void check.then(() => (this.hangingSinceMs = undefined))
    return makeHanging(this.limits.timeoutMs)
  }

  private async check(signal: AbortSignal): Promise<HealthReport> {
    try {
      return await this.contributor.check(signal)
    } catch (error) {
      return { status: 'down', details: { error: describeCauses(error) } }
    }
  }
}

/** undefined: the check did not answer in time. */
async function firstOrLate(check: Promise<HealthReport>, timeoutMs: number): Promise<HealthReport | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined)
  })
  try {
    return await Promise.race([check, late])
  } finally {
    clearTimeout(timer)
  }
}

function makeHanging(forMs: number): HealthReport {
  return { status: 'down', details: { error: ['the check does not answer'], hanging_ms: Math.round(forMs) } }
}
