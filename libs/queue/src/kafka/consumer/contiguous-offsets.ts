/** A run of records that was dispatched as one batch; `endOffset` is where the next one begins. */
export interface OffsetRun {
  readonly endOffset: bigint
  stored: boolean
}

/**
 * Which offset of one partition may be committed. Runs are opened in offset order and stored in any order; an offset becomes
 * committable only when every run before it is stored. Costs one object for a batch, nothing for a record.
 */
export class ContiguousOffsets {
  private runs: OffsetRun[] = []
  private head = 0

  /** `committable` is the next offset to be read, as Kafka's commits are. */
  constructor(private end: bigint) {}

  /** Everything below it is stored. */
  get committable(): bigint {
    return this.end
  }

  get isComplete(): boolean {
    return this.head === this.runs.length
  }

  open(endOffset: bigint): OffsetRun {
    const run = { endOffset, stored: false }
    this.runs.push(run)
    return run
  }

  markStored(run: OffsetRun): void {
    run.stored = true
    while (this.head < this.runs.length && this.runs[this.head]!.stored) {
      this.end = this.runs[this.head]!.endOffset
      this.head++
    }
    if (this.head === this.runs.length || this.head > 1_024) {
      this.runs = this.runs.slice(this.head)
      this.head = 0
    }
  }
}
