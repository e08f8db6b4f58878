import type { BenchCase, PeerName } from '../cases/bench.case.js'
import { BENCH_CASES } from '../cases/bench-cases.js'
import type { BenchFlags } from '../flags/bench.flags.js'
import type { BenchLab } from './bench.lab.js'
import { runDrain } from './drain.run.js'
import type { Measurement } from './measurement.js'
import { runPaced } from './paced.run.js'

export interface CaseResult {
  readonly benchCase: BenchCase
  readonly peers: ReadonlyMap<PeerName, Measurement>
}

/** Every chosen peer in every chosen case, one after the other: nothing is measured beside anything else. */
export class BenchRunner {
  private readonly results: CaseResult[] = []

  constructor(
    private readonly lab: BenchLab,
    private readonly flags: BenchFlags,
    private readonly report: (line: string) => void,
  ) {}

  async run(): Promise<readonly CaseResult[]> {
    for (const benchCase of BENCH_CASES.filter(({ name }) => this.flags.cases.includes(name))) {
      const measured = await this.measureByTurns(benchCase)
      this.results.push({ benchCase, peers: new Map(Array.from(measured, ([peer, all]) => [peer, takeMiddle(all)])) })
    }
    return this.results
  }

  private async measureByTurns(benchCase: BenchCase): Promise<Map<PeerName, Measurement[]>> {
    const measured = new Map<PeerName, Measurement[]>()
    for (let pair = 0; pair < this.flags.pairs; pair++) {
      for (const peer of this.flags.peers.filter((name) => benchCase.expectedPerSecond[name] !== undefined)) {
        const measurement = await this.measure(benchCase, peer)
        measured.set(peer, [...(measured.get(peer) ?? []), measurement])
        this.report(`${benchCase.name} ${peer}: ${describe(measurement)}`)
      }
    }
    return measured
  }

  private measure(benchCase: BenchCase, peer: PeerName): Promise<Measurement> {
    const { seconds, tasks } = this.flags
    const { load } = benchCase
    if (load.kind === 'drain') return runDrain(this.lab, benchCase, peer, { seconds, tasks })
    return runPaced(this.lab, benchCase, peer, { seconds, perSecond: this.flags.rate ?? this.halfOf(load.rateOf) })
  }

  private halfOf(caseName: string): number {
    const reached = this.results.find(({ benchCase }) => benchCase.name === caseName)?.peers.get('sluice')?.tasksPerSecond
    if (reached === undefined) throw new Error(`half of the load of ${caseName} is not known: run that case for sluice too, or give --rate`)
    return reached / 2
  }
}

/** By throughput, or by what was added where the load is paced. */
function takeMiddle(measurements: readonly Measurement[]): Measurement {
  const sorted = measurements.toSorted((a, b) =>
    a.addedMs && b.addedMs ? a.addedMs.p50 - b.addedMs.p50 : a.tasksPerSecond - b.tasksPerSecond,
  )
  return sorted[(sorted.length - 1) >> 1]!
}

function describe({ tasksPerSecond, cpuSecondsPer1000, peakRssMib, addedMs, seconds }: Measurement): string {
  const cpu = Object.entries(cpuSecondsPer1000).map(([name, value]) => `${name} ${value.toFixed(3)}`)
  const added = addedMs ? `, added p50 ${addedMs.p50.toFixed(0)} p95 ${addedMs.p95.toFixed(0)} p99 ${addedMs.p99.toFixed(0)} ms` : ''
  return `${tasksPerSecond.toFixed(1)} tasks/s over ${seconds.toFixed(1)} s, CPU-s per 1,000: ${cpu.join(', ')}; peak ${peakRssMib.toFixed(0)} MiB${added}`
}
