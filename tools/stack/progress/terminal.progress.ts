import { formatDuration, formatProgress } from './progress.printer.js'
import type { ProgressEvent, ProgressListener } from './progress.js'

const REDRAW_MS = 500
const CLEAR_LINE = '\r\u001B[2K'

interface RunningStep extends ProgressEvent {
  readonly startedAt: number
}

/** Finished steps stay as lines; on a terminal a last line shows what is running, and elsewhere the steps' heartbeats do. */
export function createTerminalProgress(output: NodeJS.WriteStream): { listener: ProgressListener; end: () => void } {
  if (!output.isTTY) return { listener: (event) => output.write(`${formatProgress(event)}\n`), end: () => undefined }
  const running = new Map<string, RunningStep>()
  const draw = () => output.write(`${CLEAR_LINE}${formatRunning([...running.values()]).slice(0, output.columns - 1)}`)
  const timer = setInterval(draw, REDRAW_MS)
  return {
    listener: (event) => {
      const key = `${event.title} ${event.step}`
      if (event.phase === 'done' || event.phase === 'failed') {
        running.delete(key)
        output.write(`${CLEAR_LINE}${formatProgress(event)}\n`)
      } else running.set(key, { ...event, startedAt: performance.now() - event.elapsedMs })
      draw()
    },
    end: () => {
      clearInterval(timer)
      output.write(CLEAR_LINE)
    },
  }
}

function formatRunning(steps: readonly RunningStep[]): string {
  const now = performance.now()
  return steps
    .map(({ title, step, startedAt, detail }) => `${title}: ${step} ${formatDuration(now - startedAt)}${detail ? ` (${detail})` : ''}`)
    .join(' · ')
}
