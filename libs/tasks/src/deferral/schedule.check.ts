const MAX_STEP_MS = 24 * 60 * 60 * 1_000

/** What is wrong with a schedule, in words; undefined: nothing. A step of days would be a task that is forgotten. */
export function findScheduleProblem(steps: readonly number[]): string | undefined {
  if (steps.length === 0) return 'must have at least one step'
  const outside = steps.find((step) => step <= 0 || step > MAX_STEP_MS)
  if (outside !== undefined) return `must have steps of more than 0 and at most 24 h (got ${outside} ms)`
  const shorter = steps.findIndex((step, index) => index > 0 && step < steps[index - 1]!)
  if (shorter > 0)
    return `must not have a step that is shorter than the one before it (got ${steps[shorter]} after ${steps[shorter - 1]} ms)`
  return undefined
}
