import type { Counter, Histogram } from 'prom-client'
import type { ErrorCode } from '#libs/contracts'
import type { MeasuredOutcome, OutcomeLabel } from './measured-outcome.js'

export type DurationHistogram = Histogram<'transport' | 'type' | 'outcome'>
export type ErrorsCounter = Counter<'transport' | 'type' | 'code'>

interface TypeMeterOptions {
  readonly duration: DurationHistogram
  readonly errors: ErrorsCounter
  readonly transport: string
  readonly type: string
}

/** The metrics of one transport and task type: labels are resolved once, on first use. */
export class TypeMeter {
  private readonly durations = new Map<OutcomeLabel, Histogram.Internal<string>>()
  private readonly errors = new Map<ErrorCode, Counter.Internal>()

  constructor(private readonly options: TypeMeterOptions) {}

  record({ outcome, code }: MeasuredOutcome, seconds: number): void {
    const duration = this.durations.get(outcome) ?? this.addDuration(outcome)
    duration.observe(seconds)
    if (code === undefined) return
    const errors = this.errors.get(code) ?? this.addErrors(code)
    errors.inc()
  }

  private addDuration(outcome: OutcomeLabel): Histogram.Internal<string> {
    const { duration, transport, type } = this.options
    const child = duration.labels({ transport, type, outcome })
    this.durations.set(outcome, child)
    return child
  }

  private addErrors(code: ErrorCode): Counter.Internal {
    const { errors, transport, type } = this.options
    const child = errors.labels({ transport, type, code })
    this.errors.set(code, child)
    return child
  }
}
