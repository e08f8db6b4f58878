import type { Lane, LaneGates } from '#libs/kernel'
import type { AdmissionSettings } from '../admission.settings.js'
import { Limits } from '../limits/limits.js'
import { LimitGates } from './limit.gates.js'

/** `maxStreams`: of each credential; undefined: nobody has said. */
export interface LookerSettings extends Pick<AdmissionSettings, 'limits' | 'limitsFile'> {
  readonly maxStreams: number | undefined
}

/** For whoever only looks, from outside of the workers: their settings are known only as far as they were given here too. */
export function createLaneGates({ limits: file, limitsFile, maxStreams }: LookerSettings): LaneGates {
  const limits = new Limits(file, maxStreams ?? Number.POSITIVE_INFINITY)
  return new LimitGates({
    limits,
    // Each worker learns it for itself.
    ratioOf: () => 1,
    unknownOf: (lane) => [
      ...(Number.isFinite(limits.credentialGate(lane.provider).limit) ? [] : [describeStreams(lane)]),
      ...(limitsFile === undefined ? describeFile(lane) : []),
    ],
  })
}

function describeStreams({ provider }: Lane): string {
  return `streams ${provider}: their number is not known here. Set LLM_MAX_STREAMS as the workers have it, or LIMITS_FILE`
}

function describeFile({ provider, model, tenant }: Lane): string[] {
  const gates = [
    `model ${provider}/${model}`,
    `tenant ${tenant}`,
    `requests per minute`,
    `tokens per minute`,
    `budget tokens per day ${tenant}`,
    `budget money per day ${tenant}`,
  ]
  return [`${gates.join(', ')}: LIMITS_FILE is not set here. Where the workers have one, give this command the same`]
}
