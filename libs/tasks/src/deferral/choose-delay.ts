import type { ClaimedTask, DeferralClass, ScheduledClass, TaskError } from '#libs/kernel'

interface DelayOptions {
  readonly deferralClass: DeferralClass
  readonly scheduleOf: (deferralClass: ScheduledClass) => readonly number[]
  /** How often in a row the task has been deferred so far, and why. */
  readonly task: Pick<ClaimedTask, 'deferralClass' | 'deferrals'>
  readonly random: () => number
}

/**
 * Full jitter over the upper half of the schedule's step, and never sooner than the other side asked for. The step grows with the deferrals
 * of one class in a row: the sends would not do, since waiting may need none.
 */
export function chooseDelay(
  error: Partial<Pick<TaskError, 'retryAfterMs'>>,
  { deferralClass, scheduleOf, task, random }: DelayOptions,
): number {
  if (deferralClass === 'handover') return 0
  const schedule = scheduleOf(deferralClass)
  const before = task.deferralClass === deferralClass ? task.deferrals : 0
  const step = schedule[Math.min(before, schedule.length - 1)]!
  return Math.max(error.retryAfterMs ?? 0, Math.round(step / 2 + (random() * step) / 2))
}
