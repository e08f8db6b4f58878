/** Something that must never be so, with what shows it. */
export interface Violation {
  /** As in the list of invariants: I1, I2, ... or a word. */
  readonly invariant: string
  readonly problem: string
  readonly evidence: unknown
}

/** What a person reads when a run fails: the first few of each kind. */
export function describeViolations(violations: readonly Violation[], most = 5): string {
  const groups = Map.groupBy(violations, ({ invariant, problem }) => `${invariant}: ${problem}`)
  return [...groups]
    .map(([title, group]) => {
      const shown = group.slice(0, most).map(({ evidence }) => `    ${JSON.stringify(evidence)}`)
      return [`${title} (${group.length})`, ...shown].join('\n')
    })
    .join('\n')
}
