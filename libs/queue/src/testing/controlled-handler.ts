import type { DeliveryBatch } from '#libs/kernel'

interface Call {
  readonly batch: DeliveryBatch
  readonly signal: AbortSignal
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  settled: boolean
}

/** A handler whose batches end when the test says so. Batches are named by their first offset. */
export class ControlledHandler {
  readonly calls: Call[] = []

  readonly dispatch = (batch: DeliveryBatch, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => this.calls.push({ batch, signal, resolve, reject, settled: false }))

  /** First offsets of all batches so far, in the order of their starts. */
  get started(): number[] {
    return this.calls.map(firstOffset)
  }

  get running(): number[] {
    return this.calls.filter(({ settled }) => !settled).map(firstOffset)
  }

  async store(first: number): Promise<void> {
    this.take(first).resolve()
    await turn()
  }

  async reject(first: number, error: unknown = new Error('the ledger is away')): Promise<void> {
    this.take(first).reject(error)
    await turn()
  }

  private take(first: number): Call {
    const call = this.calls.find((candidate) => !candidate.settled && firstOffset(candidate) === first)
    if (call === undefined) throw new Error(`no batch that begins at ${first} is running (running: ${this.running.join(', ')})`)
    call.settled = true
    return call
  }
}

function firstOffset({ batch }: Call): number {
  return Number(batch.deliveries[0]!.offset)
}

/** Lets every promise that is settled already have its say. */
async function turn(): Promise<void> {
  for (let hop = 0; hop < 5; hop++) await Promise.resolve()
}
