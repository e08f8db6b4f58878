import type { LaneGates, LimitReads, TaskWaits, WaitFacts } from '#libs/kernel'
import type { TaskExplanation } from './waits/explanation.js'
import { findPhase } from './waits/find-phase.js'
import { findReasons } from './waits/find-reasons.js'
import { readGates } from './waits/read-gates.js'

/**
 * Says why a task does not run, by the rules by which workers decide. It looks from outside: at what they have written down up to a quarter
 * of a second ago, without a lock, so that a busy lane may have moved on when the answer is read.
 */
export class WaitOperator {
  constructor(
    private readonly waits: TaskWaits,
    private readonly limits: LimitReads,
    private readonly gates: LaneGates,
  ) {}

  async explain(tenant: string, taskId: string): Promise<TaskExplanation> {
    const found = await this.waits.find(tenant, taskId)
    switch (found.kind) {
      case 'unknown':
        return { state: 'unknown' }
      case 'finished':
        return { state: 'finished', ...found.end }
      case 'unfinished':
        return this.explainUnfinished(found.facts)
    }
  }

  private async explainUnfinished(found: WaitFacts): Promise<TaskExplanation> {
    const { task, lastAttempt, lease, dueBefore } = found
    const limits = await this.limits.read(this.gates.keysOf(task.lane))
    const facts = { ...found, now: new Date(limits.nowMs) }
    const gates = readGates(this.gates, facts, limits)
    const reasons = findReasons(facts, gates)
    const known = { task, reasons, gates, notLookedAt: this.gates.unknownOf(task.lane) }
    if (task.state === 'running') {
      const phase = findPhase(lastAttempt)
      return { state: 'running', phase, since: phase === 'preparing' ? null : lastAttempt!.openedAt, attempt: lastAttempt, lease, ...known }
    }
    return reasons.length > 0 ? { state: 'waiting', ...known } : { state: 'due', before: dueBefore, ...known }
  }
}
