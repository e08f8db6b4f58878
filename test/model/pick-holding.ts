import type { LedgerStep, Pick as PickOf } from './ledger.step.js'
import type { Holding, LedgerWorld } from './ledger.world.js'

type Suits = (holding: Holding) => boolean

/** It was sent: no answer comes of what was refused or never left. */
export const canAnswer: Suits = ({ attempt, end, isUnsure }) => attempt !== null && !isUnsure && (end === undefined || end === 'maybe_paid')
/** An answer is judged, and not followed by another attempt. */
export const canOpen: Suits = ({ answered, isUnsure, task }) => !answered && !isUnsure && task.storedAnswer === null
export const canFinish: Suits = ({ isUnsure }) => !isUnsure

export function findHolding(world: Pick<LedgerWorld, 'holdings'>, pick: PickOf, suits: Suits = () => true): Holding | undefined {
  const eligible = world.holdings.filter(suits)
  const live = eligible.filter(({ ended }) => !ended)
  const outlived = findOutlived(eligible)
  const chosen = pick.stale ? (outlived.length > 0 ? outlived : eligible) : live
  return chosen.at(-1 - (pick.back % Math.max(1, chosen.length)))
}

/** Those whose task has been claimed again since, and is still held: what the fence is for. */
function findOutlived(holdings: readonly Holding[]): Holding[] {
  const held = new Set(holdings.flatMap(({ ended, task }) => (ended ? [] : [task.taskId])))
  return holdings.filter(({ ended, task }) => ended && held.has(task.taskId))
}

/** Whether there is what the step is about. */
export function canRun(world: LedgerWorld, step: LedgerStep): boolean {
  switch (step.do) {
    case 'open':
      return findHolding(world, step.pick, canOpen) !== undefined
    case 'answer':
      return findHolding(world, step.pick, canAnswer) !== undefined
    case 'finish':
      return step.picks.some((pick) => findHolding(world, pick, canFinish) !== undefined)
    case 'defer':
    case 'hold':
      return findHolding(world, step.pick) !== undefined
    default:
      return true
  }
}
