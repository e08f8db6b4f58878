import type { ClaimedTask, DeferralClass, ScheduledClass, TaskError } from '#libs/kernel'

/** Of the time until a deadline: what is left after a wait is for the try. */
const SHARE_TO_WAIT = 0.8
/** Less than this is no time for a try. */
const MIN_LEFT_MS = 1_000

interface DelayOptions {
  readonly deferralClass: DeferralClass
  readonly scheduleOf: (deferralClass: ScheduledClass) => readonly number[]
  /** How often in a row the task has been deferred so far, and why. */
  readonly task: Pick<ClaimedTask, 'deferralClass' | 'deferrals'>
  readonly random: () => number
  /** Until its deadline; undefined: it has none. */
  readonly leftMs?: number | undefined
}

/**
 * Full jitter over the upper half of the schedule's step, and never sooner than the other side asked for. The step grows with the deferrals
 * of one class in a row: the sends would not do, since waiting may need none. Our own schedule lets no task expire: its step ends before
 * the deadline, as long as there is time for a try.
 */
export function chooseDelay(
  error: Partial<Pick<TaskError, 'retryAfterMs'>>,
  { deferralClass, scheduleOf, task, random, leftMs = Number.POSITIVE_INFINITY }: DelayOptions,
): number {
  if (deferralClass === 'handover') return 0
  const schedule = scheduleOf(deferralClass)
  const before = task.deferralClass === deferralClass ? task.deferrals : 0
  const step = schedule[Math.min(before, schedule.length - 1)]!
  const ownMs = Math.round(step / 2 + (random() * step) / 2)
  const inTimeMs = ownMs > leftMs && leftMs > MIN_LEFT_MS ? Math.floor(leftMs * SHARE_TO_WAIT) : ownMs
  return Math.max(error.retryAfterMs ?? 0, inTimeMs)
}
