import type { GateReading, LaneGates, LimitFacts, WaitFacts } from '#libs/kernel'

/**
 * The gates of a task's lane. Tasks of a lane pass a minute's limits in order: one that must wait keeps those behind it waiting, so the one
 * that goes first must pass too. What needs no call is not metered.
 */
export function readGates(gates: LaneGates, { task, laneFirst }: WaitFacts, limits: LimitFacts): readonly GateReading[] {
  const own = gates.read(task.lane, limits, [task.candidate])
  if (laneFirst === null || laneFirst.candidate.id === task.id || !task.candidate.needsCall) return own
  const both = gates.read(task.lane, limits, [task.candidate, laneFirst.candidate])
  return both.map((reading, index) =>
    reading.blocks && !own[index]!.blocks
      ? { ...reading, detail: `${laneFirst.taskId} goes before it in its lane and must wait: ${reading.detail}` }
      : reading,
  )
}
