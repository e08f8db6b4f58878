import { parseArgs } from 'node:util'
import { PEER_NAMES, type PeerName } from '../cases/bench.case.js'
import { BENCH_CASES } from '../cases/bench-cases.js'
import { choose, readPositive } from './flag-values.js'

export interface BenchFlags {
  readonly cases: readonly string[]
  readonly peers: readonly PeerName[]
  /** So many times each peer is measured in each case, by turns: what counts is the measurement in the middle. */
  readonly pairs: number
  /** How long one peer may be measured in one case. */
  readonly seconds: number
  /** The most tasks that are prepared for one measurement. */
  readonly tasks: number
  /** Tasks a second of the added-latency case; by default half of what its other case has reached in this run. */
  readonly rate: number | undefined
  /** Node's own flags for the service's process, to profile it. */
  readonly nodeFlags: readonly string[]
  readonly json: boolean
}

export const BENCH_USAGE = `npm run bench -- [flags]
  --cases a,b      of ${BENCH_CASES.map(({ name }) => name).join(', ')}
  --peers a,b      of ${PEER_NAMES.join(', ')}
  --pairs n        measures the peers by turns so many times, and reports the medians (1)
  --seconds n      the longest time for one peer in one case (20)
  --tasks n        the most tasks for one peer in one case (80000)
  --rate n         tasks a second in the added-latency case (half of the throughput of 200ms-6p)
  --node-flags=x   flags of Node for the service, separated by spaces, for example --node-flags="--cpu-prof --cpu-prof-dir=/tmp/prof"
  --quick          a few seconds and tasks only: shows that everything runs, its figures mean nothing
  --json           the figures as one JSON object on the last line
  --help`

/** undefined: help was asked for. Throws with what is wrong otherwise. */
export function readBenchFlags(args: readonly string[]): BenchFlags | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string' },
      peers: { type: 'string' },
      pairs: { type: 'string' },
      seconds: { type: 'string' },
      tasks: { type: 'string' },
      rate: { type: 'string' },
      'node-flags': { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    cases: choose(
      '--cases',
      values.cases,
      BENCH_CASES.map(({ name }) => name),
    ),
    peers: choose('--peers', values.peers, PEER_NAMES),
    pairs: readPositive('--pairs', values.pairs) ?? 1,
    seconds: readPositive('--seconds', values.seconds) ?? (values.quick ? 4 : 20),
    tasks: readPositive('--tasks', values.tasks) ?? (values.quick ? 4_000 : 80_000),
    rate: readPositive('--rate', values.rate),
    nodeFlags: values['node-flags']?.split(' ').filter((flag) => flag !== '') ?? [],
    json: values.json,
  }
}
