import type { Stack } from '#tools/stack'

export interface PartResult {
  /** What was measured, and the figure, for people. */
  readonly lines: readonly string[]
  /** undefined: there is no bar. */
  readonly holds: boolean | undefined
  readonly figures: Readonly<Record<string, number | string>>
}

/** One measurement of one part of the service, in this process, on real servers. */
export interface Part {
  readonly name: string
  readonly bar: string
  measure(stack: Stack, say: (line: string) => void): Promise<PartResult>
}
