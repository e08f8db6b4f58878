import type { Counter, Histogram } from 'prom-client'

/** What prom-client 15.1 keeps of one time series; its own types do not show it. */
export interface CounterEntry {
  value: number
  readonly labels: Readonly<Record<string, string>>
}

export interface HistogramEntry {
  readonly labels: Readonly<Record<string, string>>
  /** Counts by upper bound; a value counts in the least bound that it fits under, in none above them all. */
  readonly bucketValues: Record<string, number>
  sum: number
  count: number
}

interface Internals<E> {
  readonly hashMap: Readonly<Record<string, E>>
}

type Labels = Readonly<Record<string, string>>

/** The series of a counter with these labels. It begins at 0 where it is new. */
export function findCounterEntry<T extends string>(counter: Counter<T>, labels: Record<T, string>): CounterEntry {
  counter.inc(labels, 0)
  return find(counter as unknown as Internals<CounterEntry>, labels)!
}

/** The series of a histogram with these labels. It begins empty where it is new. */
export function findHistogramEntry<T extends string>(histogram: Histogram<T>, labels: Record<T, string>): HistogramEntry {
  const internals = histogram as unknown as Internals<HistogramEntry>
  const known = find(internals, labels)
  if (known) return known
  histogram.zero(labels)
  return find(internals, labels)!
}

export function readUpperBounds(histogram: Histogram): readonly number[] {
  return (histogram as unknown as { readonly upperBounds: readonly number[] }).upperBounds
}

function find<E extends { readonly labels: Labels }>({ hashMap }: Internals<E>, labels: Labels): E | undefined {
  const names = Object.keys(labels)
  return Object.values(hashMap).find(
    (entry) => Object.keys(entry.labels).length === names.length && names.every((name) => entry.labels[name] === labels[name]),
  )
}
