/**
 * The calls that may be under way at the provider at once. A stream is held from before the send until the answer has come or the call
 * has failed. Whoever waits for one stream goes before the next batch of claims.
 */
export abstract class StreamGate {
  abstract readonly limit: number
  abstract readonly inUse: number
  /** Takes up to `wanted` free streams at once; returns how many it got. */
  abstract takeUpTo(wanted: number): number
  /** Waits for one stream. Rejects with the signal's reason. */
  abstract acquire(signal: AbortSignal): Promise<void>
  abstract release(count?: number): void
  /** Calls the listener when a stream has become free and nobody waits for it. Returns how to stop that. */
  abstract onFree(listener: () => void): () => void
}
