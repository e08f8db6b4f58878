/** The value below which `share` of the sorted values lie, by nearest rank. */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) throw new Error('there are no values')
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}
