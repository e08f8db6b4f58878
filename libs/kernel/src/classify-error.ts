import { TaskError } from './task.error.js'

const MAX_CAUSES = 8

/**
 * Turns whatever was thrown into a TaskError. An unknown error is taken as ours (`internal`) and as retryable: the attempts of a task
 * are counted before the work, so a defect costs a few attempts and then becomes a dead letter. Never throws.
 */
export function classifyError(thrown: unknown): TaskError {
  if (thrown instanceof TaskError) return thrown
  return new TaskError('internal', 'an unexpected error inside Sluice', { retryable: true, cause: thrown })
}

/** The chain of causes as short texts, outermost first: names and messages, without stacks. */
export function describeCauses(error: unknown): string[] {
  const causes: string[] = []
  for (let current = error; current !== undefined && current !== null && causes.length < MAX_CAUSES;) {
    if (!(current instanceof Error)) {
      causes.push(typeof current === 'string' ? current : typeof current)
      break
    }
    const code = 'code' in current && typeof current.code === 'string' ? ` [${current.code}]` : ''
    causes.push(`${current.name}${code}: ${current.message}`)
    current = current.cause
  }
  return causes
}
