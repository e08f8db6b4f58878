import { parseArgs } from 'node:util'
import { readPositive } from './flag-values.js'

export interface SoakFlags {
  readonly tasks: number
  /** Of the model. */
  readonly latencyMs: number
  /** Tasks that may be unfinished at once. */
  readonly outstanding: number
  readonly nodeFlags: readonly string[]
  readonly json: boolean
}

export const SOAK_USAGE = `npm run bench:soak -- [flags]
  --tasks n         200000
  --latency n       the model's latency in ms (50)
  --outstanding n   tasks that may be unfinished at once (4000)
  --node-flags=x    flags of Node for the service, separated by spaces
  --json            the figures as one JSON object on the last line
  --help`

/** undefined: help was asked for. Throws with what is wrong otherwise. */
export function readSoakFlags(args: readonly string[]): SoakFlags | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tasks: { type: 'string' },
      latency: { type: 'string' },
      outstanding: { type: 'string' },
      'node-flags': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    tasks: readPositive('--tasks', values.tasks) ?? 200_000,
    latencyMs: readPositive('--latency', values.latency) ?? 50,
    outstanding: readPositive('--outstanding', values.outstanding) ?? 4_000,
    nodeFlags: values['node-flags']?.split(' ').filter((flag) => flag !== '') ?? [],
    json: values.json,
  }
}
