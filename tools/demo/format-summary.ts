import type { DemoSummary, KindRow } from './demo.summary.js'

const COLUMNS = ['kind', 'sent', 'succeeded', 'failed, as it must', 'lost', 'wrong'] as const

export function formatSummary(summary: DemoSummary): string {
  const rows = [COLUMNS.map(String), ...summary.kinds.map(formatRow)]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  )
  const { latency_ms: latency, tokens } = summary
  return [
    '',
    lines[0],
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...lines.slice(1),
    '',
    `${summary.tasks} records in ${summary.seconds} s: ${summary.throughput_per_s}/s; ${summary.succeeded} succeeded, ${summary.failed} failed and ${summary.rejected} rejected as they must`,
    `lost ${summary.lost}, answered wrongly ${summary.wrong}, paid twice ${summary.paid_twice}`,
    `latency from the producer to the result: p50 ${latency.p50} ms, p95 ${latency.p95} ms, p99 ${latency.p99} ms`,
    `tokens: ${tokens.prompt} in prompts, ${tokens.completion} in answers`,
    ...summary.problems.map((problem) => `PROBLEM ${problem}`),
  ].join('\n')
}

function formatRow({ kind, sent, succeeded, refused, lost, wrong }: KindRow): string[] {
  const codes = Object.entries(refused).map(([code, count]) => `${count} ${code}`)
  return [kind, String(sent), String(succeeded), codes.join(', ') || '-', String(lost), String(wrong)]
}
