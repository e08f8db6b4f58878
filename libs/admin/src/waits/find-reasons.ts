import type { GateReading, WaitFacts } from '#libs/kernel'
import type { WaitReason } from './explanation.js'
import { findPhase } from './find-phase.js'

const UNCOUNTED = { value: null, limit: null, unit: null, expectedAt: null }

/** What a task waits for, what is nearest to it first; empty: nothing. Pure: `gates` are those of its lane, as they stand at `facts.now`. */
export function findReasons(facts: WaitFacts, gates: readonly GateReading[]): readonly WaitReason[] {
  switch (facts.task.state) {
    case 'held':
      return [findHold(facts)]
    case 'running':
      return [
        ...findSilence(facts),
        // A call that is under way has passed all gates.
        ...(findPhase(facts.lastAttempt) === 'preparing' ? findBlocking(facts, gates) : []),
      ]
    case 'pending':
      return [...findDeadline(facts), ...findKey(facts), ...findTime(facts), ...findNoWorker(facts), ...findBlocking(facts, gates)]
  }
}

function findHold({ task }: WaitFacts): WaitReason {
  const detail = `${task.reason ?? 'its type says so'}: a person must look whether it was paid for, and release or cancel it`
  return { ...UNCOUNTED, gate: 'held by an operator', detail }
}

/** Another worker looks for it each second, and frees what the silent one held. */
function findSilence({ lease, workers }: WaitFacts): WaitReason[] {
  if (lease?.isAlive) return []
  const who = lease ? `${lease.worker} has not renewed its lease since ${lease.expiresAt.toISOString()}` : 'its lease is gone'
  const next = workers > 0 ? 'another one takes it over within seconds' : 'no other is there to take it over: start one'
  return [{ ...UNCOUNTED, gate: 'no worker', value: workers, unit: 'workers', detail: `${who}; ${next}` }]
}

function findNoWorker({ workers }: WaitFacts): WaitReason[] {
  if (workers > 0) return []
  return [
    { ...UNCOUNTED, gate: 'no worker', value: 0, unit: 'workers', detail: 'no worker holds a lease: start one, or look why none is ready' },
  ]
}

function findDeadline({ task, now }: WaitFacts): WaitReason[] {
  if (task.deadline === null || task.deadline > now || !task.isHead) return []
  const detail = `it has passed (${task.deadline.toISOString()}): a worker ends the task as expired within about two seconds`
  return [{ ...UNCOUNTED, gate: 'deadline', detail }]
}

function findKey({ task, keyHead, keyBefore, now }: WaitFacts): WaitReason[] {
  if (task.isHead) return []
  const reason = { ...UNCOUNTED, gate: 'ordering key', value: keyBefore, unit: 'tasks before it' }
  if (keyHead === null) return [{ ...reason, detail: 'its key has just become free: it is being made the next' }]
  const { taskId, tenant, state, runAt, reason: why } = keyHead
  const waits = state === 'pending' && runAt > now ? `, put off until ${runAt.toISOString()}` : ''
  return [{ ...reason, detail: `${taskId} of ${tenant} must end first: it is ${state}${waits}${why === null ? '' : ` (${why})`}` }]
}

/** A suspect's time is only for the case that nobody lets it out earlier. */
function findTime({ task, now }: WaitFacts): WaitReason[] {
  const { isDue, suspectSince, deaths, crashes, runAt, deferralClass, deferrals, reason } = task
  if (isDue) return []
  if (suspectSince !== null) {
    const detail =
      `its worker died with it (${now.getTime() - suspectSince.getTime()} ms ago, ${crashes} count against it): it is let out in its turn, few at a time ` +
      `or alone, at the latest ${runAt.toISOString()}`
    return [{ ...UNCOUNTED, gate: 'suspect', value: deaths, unit: 'deaths of its workers', detail }]
  }
  const time = { limit: null, gate: 'run_at', expectedAt: runAt }
  if (deferralClass === null) {
    const detail = reason === null ? 'an operator or a redrive has given it that time' : `put off: ${reason}`
    return [{ ...time, value: null, unit: null, detail }]
  }
  return [
    {
      ...time,
      value: deferrals,
      unit: 'deferrals in a row',
      detail: `deferred as ${deferralClass}${reason === null ? '' : `: ${reason}`}`,
    },
  ]
}

function findBlocking({ now }: WaitFacts, gates: readonly GateReading[]): WaitReason[] {
  return gates
    .filter(({ blocks }) => blocks)
    .map(({ name: gate, value, limit, unit, waitMs, detail }) => ({
      gate,
      value,
      limit,
      unit,
      expectedAt: waitMs === null ? null : new Date(now.getTime() + waitMs),
      detail,
    }))
}
