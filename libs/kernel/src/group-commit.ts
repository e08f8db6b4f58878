interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

export interface GroupCommitOptions<T, R> {
  /** Does the work for a whole group, all or nothing. Its results are in the order of its items. */
  readonly commit: (items: readonly T[]) => Promise<readonly R[]>
  readonly maxItems: number
  /** How much one item counts against maxItems; 1 where left out. */
  readonly weightOf?: (item: T) => number
  /** How much one item counts against maxSizeBytes. */
  readonly sizeOf?: (item: T) => number
  readonly maxSizeBytes?: number
  /** How many groups may be under way at once. One keeps the order of the items. */
  readonly concurrency?: number
  /**
   * true: the error is about one item of the group, nobody knows which, so each item is committed alone and only the bad ones reject. By
   * default an error is about all of them.
   */
  readonly isBadItem?: (error: unknown) => boolean
  /** true: when a group is rejected, so is everything that waits behind it: nothing may overtake what will be offered again. */
  readonly keepsOrder?: boolean
}

/**
 * Group commit: what waits while the last group is under way is the next group. It trades nothing when idle (a lone item starts in the
 * next turn of the event loop) and pays one statement for many items under load, without any timer.
 *
 * idle -> scheduled (first item; waits for the end of this turn of the event loop, so that all who ask in it share a group)
 * scheduled -> running (up to `concurrency` groups) -> running again while anything waits -> idle
 *
 * Items start in the order in which they were added. The caller owns every error: nothing is retried here.
 */
export class GroupCommit<T, R> {
  private waiting: Waiting<T, R>[] = []
  private running = 0
  private scheduled = false
  private idleListeners: (() => void)[] = []

  constructor(private readonly options: GroupCommitOptions<T, R>) {}

  /** Items that have not been answered yet and are not under way. */
  get backlog(): number {
    return this.waiting.length
  }

  add(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject })
      this.schedule()
    })
  }

  /** Resolves when nothing waits and nothing is under way. */
  whenIdle(): Promise<void> {
    if (this.isIdle()) return Promise.resolve()
    return new Promise((resolve) => this.idleListeners.push(resolve))
  }

  private isIdle(): boolean {
    return this.running === 0 && this.waiting.length === 0
  }

  private schedule(): void {
    if (this.scheduled || this.running >= (this.options.concurrency ?? 1)) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.start()
    })
  }

  private start(): void {
    if (this.waiting.length === 0) return
    const group = this.takeGroup()
    this.running++
    void this.run(group)
    if (this.waiting.length > 0) this.schedule()
  }

  private takeGroup(): Waiting<T, R>[] {
    const { maxItems, weightOf, sizeOf, maxSizeBytes = Number.POSITIVE_INFINITY } = this.options
    let count = 0
    let weight = 0
    let sizeBytes = 0
    for (const { item } of this.waiting) {
      weight += weightOf?.(item) ?? 1
      sizeBytes += sizeOf?.(item) ?? 0
      if (count > 0 && (weight > maxItems || sizeBytes > maxSizeBytes)) break
      count++
    }
    if (count === this.waiting.length) {
      const group = this.waiting
      this.waiting = []
      return group
    }
    return this.waiting.splice(0, count)
  }

  private async run(group: Waiting<T, R>[]): Promise<void> {
    await this.commit(group)
    this.running--
    if (this.waiting.length > 0) this.schedule()
    else if (this.isIdle()) this.announceIdle()
  }

  /** Returns the failure that was about all items, so that the next ones are not even tried. */
  private async commit(group: Waiting<T, R>[]): Promise<{ readonly cause: unknown } | undefined> {
    try {
      const results = await this.options.commit(group.map(({ item }) => item))
      group.forEach(({ resolve }, index) => resolve(results[index] as R))
      return undefined
    } catch (cause) {
      if (!this.options.isBadItem?.(cause)) {
        this.reject(this.options.keepsOrder ? [...group, ...this.waiting.splice(0)] : group, cause)
        return { cause }
      }
      if (group.length > 1) return this.commitOneByOne(group)
      this.reject(group, cause)
      return undefined
    }
  }

  /** In order, as they would have been committed together. */
  private async commitOneByOne(group: Waiting<T, R>[]): Promise<{ readonly cause: unknown } | undefined> {
    for (const [index, waiting] of group.entries()) {
      const failure = await this.commit([waiting])
      if (!failure) continue
      this.reject(group.slice(index + 1), failure.cause)
      return failure
    }
    return undefined
  }

  private reject(group: readonly Waiting<T, R>[], error: unknown): void {
    group.forEach(({ reject }) => reject(error))
  }

  private announceIdle(): void {
    const listeners = this.idleListeners
    this.idleListeners = []
    listeners.forEach((listener) => listener())
  }
}
