import type { LaneGates, LimitFacts, WaitingLane } from '#libs/kernel'

/** What a gate holds back. */
export interface BlockedByGate {
  readonly gate: string
  readonly lanes: number
  readonly tasks: number
}

/** A lane that several gates block counts at each of them: when one lets it pass, the others still do not. */
export function countBlocked(waiting: readonly WaitingLane[], facts: LimitFacts, gates: LaneGates): readonly BlockedByGate[] {
  const blocked = new Map<string, BlockedByGate>()
  for (const { lane, first, dueTasks } of waiting) {
    for (const { gate, blocks } of gates.read(lane, facts, [first])) {
      if (!blocks) continue
      const { lanes, tasks } = blocked.get(gate) ?? { lanes: 0, tasks: 0 }
      blocked.set(gate, { gate, lanes: lanes + 1, tasks: tasks + dueTasks })
    }
  }
  return [...blocked.values()]
}
