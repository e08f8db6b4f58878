import { OTHER_PROCESSES, type MeasuredProcess, type Sample } from './sample.js'

export interface Throughput {
  readonly tasksPerSecond: number
  readonly cpuSecondsPer1000: Readonly<Record<MeasuredProcess, number>>
  /** The part of the run that was measured. */
  readonly seconds: number
  readonly tasks: number
}

/** Compilers and connections warm up at first; at the end the last tasks leave streams empty. */
const WARM_UP_SHARE = 0.1
const TAIL_SHARE = 0.05

/** From the samples of a whole run; start and tail are left out. */
export function measureThroughput(samples: readonly Sample[]): Throughput {
  const total = samples.at(-1)?.results ?? 0
  const first = samples.find(({ results }) => results > 0 && results >= total * WARM_UP_SHARE)
  const last = samples.find(({ results }) => results >= total * (1 - TAIL_SHARE))
  if (!first || !last || last.results <= first.results) {
    throw new Error(`too few results to measure anything: ${total} in ${samples.length} samples`)
  }
  const tasks = last.results - first.results
  const seconds = (last.atMs - first.atMs) / 1_000
  const perThousand = (name: MeasuredProcess) => ((last.cpuSeconds[name] - first.cpuSeconds[name]) / tasks) * 1_000
  const names: readonly MeasuredProcess[] = ['worker', ...OTHER_PROCESSES]
  return {
    tasksPerSecond: tasks / seconds,
    cpuSecondsPer1000: Object.fromEntries(names.map((name) => [name, perThousand(name)])) as Record<MeasuredProcess, number>,
    seconds,
    tasks,
  }
}
