import type { Throughput } from '../measure/throughput.js'

export interface AddedLatency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** What one peer did in one case. */
export interface Measurement extends Throughput {
  readonly peakRssMib: number
  /** Produced to result in Kafka, less the model's own time. Only where tasks are paced. */
  readonly addedMs?: AddedLatency
}
