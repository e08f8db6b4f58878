import type { ErrorCode } from '#libs/contracts'
import type { MeasuredOutcome, OutcomeLabel } from './measured-outcome.js'
import type { CounterFamily, CounterSeries } from './series/counter.series.js'
import type { HistogramFamily, HistogramSeries } from './series/histogram.series.js'

export type DurationLabel = 'transport' | 'type' | 'outcome'
export type ErrorLabel = 'transport' | 'type' | 'code'

interface TypeMeterOptions {
  readonly duration: HistogramFamily<DurationLabel>
  readonly errors: CounterFamily<ErrorLabel>
  readonly transport: string
  readonly type: string
}

/** The metrics of one transport and task type: labels are resolved once, on first use. */
export class TypeMeter {
  private readonly durations = new Map<OutcomeLabel, HistogramSeries<DurationLabel>>()
  private readonly errors = new Map<ErrorCode, CounterSeries>()

  constructor(private readonly options: TypeMeterOptions) {}

  record({ outcome, code }: MeasuredOutcome, seconds: number): void {
    const duration = this.durations.get(outcome) ?? this.addDuration(outcome)
    duration.observe(seconds)
    if (code === undefined) return
    const errors = this.errors.get(code) ?? this.addErrors(code)
    errors.inc()
  }

  private addDuration(outcome: OutcomeLabel): HistogramSeries<DurationLabel> {
    const { duration, transport, type } = this.options
    const series = duration.of(transport, type, outcome)
    this.durations.set(outcome, series)
    return series
  }

  private addErrors(code: ErrorCode): CounterSeries {
    const { errors, transport, type } = this.options
    const series = errors.of(transport, type, code)
    this.errors.set(code, series)
    return series
  }
}
