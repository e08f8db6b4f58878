export interface JavaOptions {
  /** 512 by default. */
  readonly heapMb?: number
  /** Starts sooner, is back sooner after a kill, and runs slower: for tests, never for a benchmark. */
  readonly quickStart?: boolean
}

interface JavaFlagsQuestion extends JavaOptions {
  /** Of `ensureClassArchive`. */
  readonly classArchive?: string | undefined
}

export function makeJavaFlags({ heapMb = 512, quickStart = false, classArchive }: JavaFlagsQuestion): string[] {
  return [
    `-Xmx${heapMb}m`,
    // The first compiler only: optimised code would come after the test.
    ...(quickStart ? ['-XX:TieredStopAtLevel=1'] : []),
    ...(classArchive === undefined ? [] : [`-XX:SharedArchiveFile=${classArchive}`]),
  ]
}
