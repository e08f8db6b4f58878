import { meanLatencyMs, PEER_NAMES, type PeerName } from '../cases/bench.case.js'
import type { CaseResult } from '../run/bench.runner.js'
import type { Measurement } from '../run/measurement.js'

/** The figures for programs; null where a peer took no part. */
export function makeReport(results: readonly CaseResult[]): unknown {
  return { cases: results.map(makeCase) }
}

function makeCase({ benchCase, peers }: CaseResult): Record<string, unknown> {
  return {
    name: benchCase.name,
    partitions: benchCase.partitions,
    latency_ms: meanLatencyMs(benchCase.latency),
    ...Object.fromEntries(PEER_NAMES.map((name) => [name, makePeer(peers.get(name))])),
    ratio_local: ratioTo(peers, 'sluice_local'),
    ratio: ratioTo(peers, 'stock'),
    ratio_concurrent: ratioTo(peers, 'stock_concurrent'),
    ratio_bare: ratioTo(peers, 'bare'),
  }
}

function makePeer(measured: Measurement | undefined): Record<string, unknown> | null {
  if (measured === undefined) return null
  const { worker, ...others } = measured.cpuSecondsPer1000
  const { addedMs } = measured
  return {
    tasks_per_s: round(measured.tasksPerSecond, 1),
    cpu_s_per_1000: round(worker, 4),
    other_cpu_s_per_1000: Object.fromEntries(Object.entries(others).map(([name, value]) => [name, round(value, 4)])),
    peak_rss_mib: Math.round(measured.peakRssMib),
    measured_seconds: round(measured.seconds, 1),
    measured_tasks: measured.tasks,
    ...(addedMs && { latency_ms: { p50: round(addedMs.p50, 1), p95: round(addedMs.p95, 1), p99: round(addedMs.p99, 1) } }),
  }
}

/** How many times the throughput of another peer the service has. Under a paced load it would say nothing. */
export function ratioTo(peers: CaseResult['peers'], other: PeerName): number | null {
  const [ours, theirs] = [peers.get('sluice'), peers.get(other)]
  return ours && theirs && !ours.addedMs ? round(ours.tasksPerSecond / theirs.tasksPerSecond, 3) : null
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
