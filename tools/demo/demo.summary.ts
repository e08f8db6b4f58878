import type { ResultEvent } from '#libs/contracts'
import type { Verdict } from './check-outcome.js'
import type { DemoCase } from './demo.case.js'

export interface CheckedCase {
  readonly demo: DemoCase
  readonly verdict: Verdict
}

export interface KindRow {
  readonly kind: string
  readonly sent: number
  readonly succeeded: number
  /** Failed or rejected, as they must be, by their code. */
  readonly refused: Readonly<Record<string, number>>
  readonly lost: number
  readonly wrong: number
}

/** What `--json` prints. Latency is from the producer's send to the result on its topic. */
export interface DemoSummary {
  readonly tasks: number
  readonly succeeded: number
  readonly failed: number
  readonly rejected: number
  readonly lost: number
  readonly wrong: number
  readonly paid_twice: number
  readonly throughput_per_s: number
  readonly latency_ms: { readonly p50: number; readonly p95: number; readonly p99: number }
  readonly tokens: { readonly prompt: number; readonly completion: number }
  readonly seconds: number
  readonly kinds: readonly KindRow[]
  readonly problems: readonly string[]
}

export interface SummaryInput {
  readonly checked: readonly CheckedCase[]
  readonly results: readonly ResultEvent[]
  readonly latenciesMs: readonly number[]
  readonly seconds: number
  readonly paidCalls: ReadonlyMap<string, number>
}

export function makeSummary({ checked, results, latenciesMs, seconds, paidCalls }: SummaryInput): DemoSummary {
  const count = (test: (verdict: Verdict) => boolean) => checked.filter(({ verdict }) => test(verdict)).length
  const ended = (outcome: string) => count((verdict) => verdict.kind === 'as expected' && verdict.outcome === outcome)
  const twice = [...paidCalls].filter(([, calls]) => calls > 1)
  const byId = new Map(results.map((event) => [event.event_id, event]))
  const sum = (read: (event: ResultEvent) => number | undefined) =>
    [...byId.values()].reduce((total, event) => total + (read(event) ?? 0), 0)
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  return {
    tasks: checked.length,
    succeeded: ended('succeeded'),
    failed: ended('failed'),
    rejected: ended('rejected'),
    lost: count(({ kind }) => kind === 'lost'),
    wrong: count(({ kind }) => kind === 'wrong'),
    paid_twice: twice.length,
    throughput_per_s: Math.round((checked.length / seconds) * 10) / 10,
    latency_ms: { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) },
    tokens: { prompt: sum((event) => event.usage?.prompt_tokens), completion: sum((event) => event.usage?.completion_tokens) },
    seconds: Math.round(seconds * 100) / 100,
    kinds: makeRows(checked),
    problems: [...describeProblems(checked), ...twice.map(([task, calls]) => `${task}: paid ${calls} times`)],
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0)
}

function makeRows(checked: readonly CheckedCase[]): KindRow[] {
  return [...Map.groupBy(checked, ({ demo }) => demo.kind)].map(([kind, cases]) => {
    const refused: Record<string, number> = {}
    for (const { verdict } of cases) {
      if (verdict.kind === 'as expected' && verdict.code !== undefined) refused[verdict.code] = (refused[verdict.code] ?? 0) + 1
    }
    const count = (test: (verdict: Verdict) => boolean) => cases.filter(({ verdict }) => test(verdict)).length
    return {
      kind,
      sent: cases.length,
      succeeded: count((verdict) => verdict.kind === 'as expected' && verdict.outcome === 'succeeded'),
      refused,
      lost: count(({ kind: end }) => end === 'lost'),
      wrong: count(({ kind: end }) => end === 'wrong'),
    }
  })
}

function describeProblems(checked: readonly CheckedCase[]): string[] {
  return checked.flatMap(({ demo, verdict }) => {
    if (verdict.kind === 'as expected') return []
    const name = demo.expected.outcome === 'rejected' ? demo.kind : demo.expected.task.task_id
    return [`${name}: ${verdict.kind}${verdict.kind === 'wrong' ? `: ${verdict.reason}` : ''}`]
  })
}
