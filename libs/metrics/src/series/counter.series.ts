import type { Counter } from 'prom-client'
import { findCounterEntry, type CounterEntry } from './prom-client.internals.js'

/** One time series of a counter. */
export class CounterSeries {
  constructor(private readonly entry: CounterEntry) {}

  /** `amount` is not negative. */
  inc(amount = 1): void {
    this.entry.value += amount
  }
}

/**
 * The series of a counter, each found once. prom-client finds it anew at every increment, and checks the labels: on the way of every task that adds
 * up. The counter must not be reset.
 */
export class CounterFamily<T extends string> {
  private readonly series = new Map<string, CounterSeries>()

  constructor(
    private readonly counter: Counter<T>,
    private readonly names: readonly T[],
  ) {}

  /** `values` are those of the labels, in the order of `names`. */
  of(...values: readonly string[]): CounterSeries {
    const key = values.length === 1 ? values[0]! : values.join('\n')
    return this.series.get(key) ?? this.add(key, values)
  }

  private add(key: string, values: readonly string[]): CounterSeries {
    const labels = Object.fromEntries(this.names.map((name, index) => [name, values[index]!])) as Record<T, string>
    const series = new CounterSeries(findCounterEntry(this.counter, labels))
    this.series.set(key, series)
    return series
  }
}
