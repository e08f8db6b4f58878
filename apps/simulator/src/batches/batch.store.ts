import type { BatchLine } from './batch.lines.js'

export type BatchMethod = 'chat_completions' | 'embedder'

export interface Batch {
  readonly id: string
  readonly owner: string
  readonly method: BatchMethod
  readonly lines: readonly BatchLine[]
  readonly createdAtMs: number
  /** Set when the batch is completed; there is no way back, no failure and no cancel. */
  result?: { readonly outputFileId: string; readonly completed: number; readonly failed: number; readonly atMs: number }
}

export type BatchStatus = 'created' | 'in_progress' | 'completed'

/** How far a batch is by the clock alone. */
export function statusOfBatch(batch: Batch, nowMs: number, times: { createdMs: number; inProgressMs: number }): BatchStatus {
  if (batch.result !== undefined) return 'completed'
  const age = nowMs - batch.createdAtMs
  if (age < times.createdMs) return 'created'
  return age < times.createdMs + times.inProgressMs ? 'in_progress' : 'completed'
}

export class BatchStore {
  readonly #batches = new Map<string, Batch>()

  constructor(private readonly nextId: () => string) {}

  add(owner: string, method: BatchMethod, lines: readonly BatchLine[]): Batch {
    const batch: Batch = { id: this.nextId(), owner, method, lines, createdAtMs: Date.now() }
    this.#batches.set(batch.id, batch)
    return batch
  }

  listOf(owner: string): Batch[] {
    return [...this.#batches.values()].filter((batch) => batch.owner === owner)
  }

  clear(): void {
    this.#batches.clear()
  }
}
