export interface JavaOptions {
  /** 512 by default. */
  readonly heapMb?: number
  /** Starts sooner and is back sooner after a kill. Includes `firstCompilerOnly`. */
  readonly quickStart?: boolean
  /**
   * Optimised code comes after the end of a test, and in a benchmark of a minute the compiler that makes it takes a third of a core from what
   * is measured: the broker then needs half as much CPU time for a record.
   */
  readonly firstCompilerOnly?: boolean
}

interface JavaFlagsQuestion extends JavaOptions {
  /** Of `ensureClassArchive`. */
  readonly classArchive?: string | undefined
}

export function makeJavaFlags({
  heapMb = 512,
  quickStart = false,
  firstCompilerOnly = quickStart,
  classArchive,
}: JavaFlagsQuestion): string[] {
  return [
    `-Xmx${heapMb}m`,
    ...(firstCompilerOnly ? ['-XX:TieredStopAtLevel=1'] : []),
    ...(classArchive === undefined ? [] : [`-XX:SharedArchiveFile=${classArchive}`]),
  ]
}
