export interface WindowLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

/**
 * Bounds everything that was fetched and is not stored yet, over all partitions, in records and in bytes. A fetch may overshoot it once,
 * by its own size: what came is never thrown away.
 */
export class IntakeWindow {
  private usedRecords = 0
  private usedBytes = 0

  /**
   * `onRoom` is called whenever something goes and there is room then, also where there was some before: a lane that had stopped taking
   * records, since it retried or held its share, takes them again at such a moment, and nobody else tells.
   */
  constructor(
    private readonly limits: WindowLimits,
    private readonly onRoom: () => void,
  ) {}

  get records(): number {
    return this.usedRecords
  }

  get bytes(): number {
    return this.usedBytes
  }

  get hasRoom(): boolean {
    return this.usedRecords < this.limits.maxRecords && this.usedBytes < this.limits.maxBytes
  }

  get freeRecords(): number {
    return Math.max(0, this.limits.maxRecords - this.usedRecords)
  }

  get freeBytes(): number {
    return Math.max(0, this.limits.maxBytes - this.usedBytes)
  }

  take(records: number, bytes: number): void {
    this.usedRecords += records
    this.usedBytes += bytes
  }

  give(records: number, bytes: number): void {
    this.usedRecords -= records
    this.usedBytes -= bytes
    if (this.hasRoom) this.onRoom()
  }
}
