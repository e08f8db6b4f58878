import type { CaseResult } from '../run/bench.runner.js'
import type { Measurement } from '../run/measurement.js'
import { ratioTo } from './report.json.js'

const HEADINGS = ['case', 'worker', 'tasks/s', 'sluice is', 'worker', 'postgres', 'kafka', 'simulator', 'peak MiB', 'added p50/p95/p99 ms']

/** The figures for people. The four columns after the ratio are CPU seconds per 1,000 tasks. */
export function makeTable(results: readonly CaseResult[]): string {
  const rows = results.flatMap(({ benchCase, peers }) =>
    Array.from(peers, ([name, measured]) => {
      const ratio = name === 'sluice' ? null : ratioTo(peers, name)
      return [benchCase.name, name, ...makeCells(measured, ratio)]
    }),
  )
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)))
  const lines = [HEADINGS, widths.map((width) => '-'.repeat(width)), ...rows].map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  )
  return lines.join('\n')
}

function makeCells({ tasksPerSecond, cpuSecondsPer1000: cpu, peakRssMib, addedMs }: Measurement, ratio: number | null): string[] {
  return [
    tasksPerSecond.toFixed(tasksPerSecond < 100 ? 1 : 0),
    ratio === null ? '' : `${ratio.toFixed(2)} x`,
    ...[cpu.worker, cpu.postgres, cpu.kafka, cpu.simulator].map((seconds) => seconds.toFixed(3)),
    peakRssMib.toFixed(0),
    addedMs ? `${addedMs.p50.toFixed(0)}/${addedMs.p95.toFixed(0)}/${addedMs.p99.toFixed(0)}` : '',
  ]
}
