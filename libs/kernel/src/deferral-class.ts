/**
 * What a deferred task waits for: each class has a schedule of its own, from seconds to hours. A closed list, kept in the queue row. Which
 * error belongs to which class: docs/deferral.md.
 */
export const DEFERRAL_CLASSES = [
  'rate_limited',
  'provider_down',
  'provider_error',
  'bad_answer',
  'payment',
  'auth',
  'storage_down',
  'ledger_down',
  'rollout',
  'internal',
  // The task goes to another replica, at once: the only class without a schedule.
  'handover',
] as const

export type DeferralClass = (typeof DEFERRAL_CLASSES)[number]
export type ScheduledClass = Exclude<DeferralClass, 'handover'>

/** Milliseconds before the second, third, ... try of a class; the last one repeats. */
export type DeferralSchedules = Readonly<Record<ScheduledClass, readonly number[]>>
