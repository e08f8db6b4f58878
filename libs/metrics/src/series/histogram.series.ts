import type { Histogram } from 'prom-client'
import { findHistogramEntry, readUpperBounds, type HistogramEntry } from './prom-client.internals.js'

/** W3C trace context: version, trace id, span id, flags; recorded. */
const SAMPLED_TRACE = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f][13579bdf]$/

/** One time series of a histogram. */
export class HistogramSeries<T extends string> {
  private readonly entry: HistogramEntry
  private readonly bounds: readonly number[]

  constructor(
    private readonly histogram: Histogram<T>,
    private readonly labels: Record<T, string>,
  ) {
    this.entry = findHistogramEntry(histogram, labels)
    this.bounds = readUpperBounds(histogram)
  }

  observe(value: number): void {
    const { entry, bounds } = this
    entry.sum += value
    entry.count++
    for (let index = 0; index < bounds.length; index++) {
      if (value <= bounds[index]!) {
        entry.bucketValues[bounds[index]!]!++
        return
      }
    }
  }

  /** With the trace of the work that took it, where that one is recorded: only then it can be looked at. Of a histogram with exemplars. */
  observeTraced(value: number, traceparent: string | null): void {
    this.observe(value)
    if (traceparent === null || traceparent.endsWith('0')) return
    const traceId = SAMPLED_TRACE.exec(traceparent)?.[1]
    if (traceId === undefined) return
    const exemplars = this.histogram as unknown as { updateExemplar(labels: object, value: number, exemplarLabels: object): void }
    exemplars.updateExemplar(this.labels, value, { trace_id: traceId })
  }
}

/** The series of a histogram, each found once, as in CounterFamily. */
export class HistogramFamily<T extends string> {
  private readonly series = new Map<string, HistogramSeries<T>>()

  constructor(
    private readonly histogram: Histogram<T>,
    private readonly names: readonly T[],
  ) {}

  /** `values` are those of the labels, in the order of `names`. */
  of(...values: readonly string[]): HistogramSeries<T> {
    const key = values.length === 1 ? values[0]! : values.join('\n')
    return this.series.get(key) ?? this.add(key, values)
  }

  private add(key: string, values: readonly string[]): HistogramSeries<T> {
    const labels = Object.fromEntries(this.names.map((name, index) => [name, values[index]!])) as Record<T, string>
    const series = new HistogramSeries(this.histogram, labels)
    this.series.set(key, series)
    return series
  }
}
