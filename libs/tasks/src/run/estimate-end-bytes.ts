import type { RunEnd } from '#libs/kernel'
import type { EndedRun } from './result-event.js'

/** Ids, times, the error, the usage: in the row and again in the event. */
const FIXED_BYTES = 2 * 1_024

/** About how many bytes the end of a run puts into a statement. Metadata is a part of the payload, and JSON stands beside its text. */
export function estimateEndBytes({ task, output, facts }: EndedRun, deadLetter: RunEnd['deadLetter']): number {
  const textBytes = Buffer.byteLength(output?.text ?? '')
  const outputBytes = output?.json === undefined ? textBytes : 2 * textBytes
  const metadataBytes = facts.metadata ? task.payload.length : 0
  return FIXED_BYTES + outputBytes + metadataBytes + (deadLetter?.value.length ?? 0)
}
