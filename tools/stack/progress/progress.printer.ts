import type { ProgressEvent } from './progress.js'

/** One line an event, for terminals, pipes and CI logs alike. */
export function printProgress(event: ProgressEvent): void {
  process.stderr.write(`${formatProgress(event)}\n`)
}

export function formatProgress({ title, step, phase, elapsedMs, detail }: ProgressEvent): string {
  const note = detail ? ` (${detail})` : ''
  const elapsed = formatDuration(elapsedMs)
  const progress = { started: ' ...', heartbeat: ` ... ${elapsed}`, done: ` done, ${elapsed}`, failed: ` failed after ${elapsed}` }
  return `${title}: ${step}${progress[phase]}${note}`
}

export function formatDuration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
