export interface JavaOptions {
  /** 512 by default. */
  readonly heapMb?: number
  /** Starts sooner and runs slower: for tests, never for a benchmark. */
  readonly quickStart?: boolean
}

export function makeJavaFlags({ heapMb = 512, quickStart = false }: JavaOptions = {}): string[] {
  // The first compiler only: optimised code would come after the test.
  return [`-Xmx${heapMb}m`, ...(quickStart ? ['-XX:TieredStopAtLevel=1'] : [])]
}
