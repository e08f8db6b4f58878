import type { WaitFacts, WaitingTask } from '#libs/kernel'

export const WAIT_NOW = new Date('2026-01-02T03:04:05Z')

/** A task that is due and that nothing keeps from running. */
export function makeWaitFacts({
  task,
  ...facts
}: Partial<Omit<WaitFacts, 'task'>> & { readonly task?: Partial<WaitingTask> } = {}): WaitFacts {
  const lane = { provider: 'gigachat', model: 'GigaChat-2', tenant: 'default' }
  return {
    now: WAIT_NOW,
    task: {
      id: 7,
      tenant: 'default',
      taskId: 'a',
      type: 'prompt',
      lane,
      priority: 5,
      state: 'pending',
      acceptedAt: WAIT_NOW,
      deadline: null,
      run: 1,
      attempts: 0,
      runAt: WAIT_NOW,
      isDue: true,
      reason: null,
      deferralClass: null,
      deferrals: 0,
      isHead: true,
      suspectSince: null,
      deaths: 0,
      crashes: 0,
      candidate: { id: 7, lane, estimatedTokens: 100, needsCall: true },
      ...task,
    },
    lease: null,
    lastAttempt: null,
    keyHead: null,
    keyBefore: 0,
    workers: 1,
    laneFirst: null,
    dueBefore: { ofLane: 0, ofOthers: 0 },
    ...facts,
  }
}
