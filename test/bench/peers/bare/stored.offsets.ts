interface Position {
  readonly offset: bigint
  stored: boolean
}

/** How far each partition is stored without a gap. */
export class StoredOffsets {
  private readonly partitions = new Map<number, Position[]>()

  open(partition: number, offset: bigint): Position {
    const position = { offset, stored: false }
    const positions = this.partitions.get(partition)
    if (positions) positions.push(position)
    else this.partitions.set(partition, [position])
    return position
  }

  close(position: Position): void {
    position.stored = true
  }

  /** The next offset of each partition that has come further since the last time. */
  takeCommittable(): { readonly partition: number; readonly offset: bigint }[] {
    return Array.from(this.partitions).flatMap(([partition, positions]) => {
      const gap = positions.findIndex(({ stored }) => !stored)
      const done = positions.splice(0, gap < 0 ? positions.length : gap)
      const last = done.at(-1)
      return last === undefined ? [] : [{ partition, offset: last.offset + 1n }]
    })
  }
}
