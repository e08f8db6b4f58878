import type { ModelTables, QueuedTask } from './model.tables.js'

/** A key without a head gets one: its task with the lowest offset. */
export function promoteHead({ queue }: ModelTables, key: Buffer | null): void {
  if (key === null) return
  const ofKey = [...queue.values()].filter(({ task }) => task.orderingKey?.equals(key))
  if (ofKey.some(({ isHead }) => isHead)) return
  const [next] = ofKey.toSorted(compareOffsets)
  if (next) next.isHead = true
}

/** The number of the next result of a key; undefined without a key. */
export function advanceSequence({ sequences }: ModelTables, key: Buffer | null): number | undefined {
  if (key === null) return undefined
  const name = key.toString('hex')
  const next = (sequences.get(name) ?? 0) + 1
  sequences.set(name, next)
  return next
}

function compareOffsets(a: QueuedTask, b: QueuedTask): number {
  return Number(a.task.source.offset - b.task.source.offset) || a.id - b.id
}
