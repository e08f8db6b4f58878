/**
 * Who takes part: the service itself, the same with admission of its one process, with nothing that shows what it does, without logs, with three lines for each task, with those and a log database that is away, Nest's own Kafka transport, the same with its partitions
 * side by side, and a loop without a ledger.
 */
export const PEER_NAMES = [
  'sluice',
  'sluice_local',
  'sluice_dark',
  'sluice_mute',
  'sluice_verbose',
  'sluice_log_lost',
  'stock',
  'stock_concurrent',
  'bare',
] as const
export type PeerName = (typeof PEER_NAMES)[number]

/** It has the service's ledger. */
export function isService(peer: PeerName): boolean {
  return peer.startsWith('sluice')
}

/** As the simulator's settings take it. */
export type CallLatency =
  | { readonly kind: 'fixed'; readonly ms: number }
  | { readonly kind: 'uniform'; readonly minMs: number; readonly maxMs: number }

/** One situation in which the peers are compared. */
export interface BenchCase {
  readonly name: string
  readonly partitions: number
  readonly keys: number
  readonly latency: CallLatency
  readonly taskType?: string
  /**
   * drain: the topic is full before the worker starts, and the throughput is measured. paced: tasks come at half of what the case
   * `rateOf` has reached, and the time that the worker adds to each is measured.
   */
  readonly load: { readonly kind: 'drain' } | { readonly kind: 'paced'; readonly rateOf: string }
  /**
   * Roughly what each peer does in a second, here and on two cores: it decides only how many tasks are prepared for it. A peer that is
   * not named does not take part.
   */
  readonly expectedPerSecond: Readonly<Partial<Record<PeerName, number>>>
}

export function meanLatencyMs(latency: CallLatency): number {
  return latency.kind === 'fixed' ? latency.ms : (latency.minMs + latency.maxMs) / 2
}
