import type { Latency } from './latency.schema.js'
import { drawNormal, type Random } from './random.js'

/** Whole milliseconds: Node keeps one timer list for each duration. */
export function drawLatencyMs(latency: Latency, random: Random): number {
  switch (latency.kind) {
    case 'fixed':
      return latency.ms
    case 'uniform':
      return Math.round(latency.minMs + (latency.maxMs - latency.minMs) * random())
    case 'normal':
      return Math.max(0, Math.round(latency.meanMs + latency.sdMs * drawNormal(random)))
    default:
      return Math.round(latency.medianMs * Math.exp(latency.sigma * drawNormal(random)))
  }
}
