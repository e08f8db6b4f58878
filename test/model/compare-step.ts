import { isDeepStrictEqual } from 'node:util'
import type { LedgerStep } from './ledger.step.js'
import type { LedgerWorld, WorldState } from './ledger.world.js'
import { canRun } from './pick-holding.js'
import { runStep } from './run-step.js'

/** Where a real ledger does not do what the model says. */
export class Disagreement extends Error {
  constructor(after: LedgerStep, model: unknown, real: unknown) {
    super(`after ${JSON.stringify(after)}\nthe model: ${JSON.stringify(model)}\nthe ledger: ${JSON.stringify(real)}`)
  }
}

/** Runs a step in both worlds. Throws Disagreement where what it gives, or what is stored after it, is not the same. */
export async function compareStep(model: LedgerWorld, real: LedgerWorld, step: LedgerStep): Promise<void> {
  const expected = await runStep(model, step)
  check(step, expected, await runStep(real, step))
  check(step, sort(await model.read()), sort(await real.read()))
}

/** As `compareStep`, for all steps that find what they are about. */
export async function compareSteps(model: LedgerWorld, real: LedgerWorld, steps: readonly LedgerStep[]): Promise<void> {
  for (const step of steps) if (canRun(model, step)) await compareStep(model, real, step)
}

function check(step: LedgerStep, expected: unknown, seen: unknown): void {
  if (!isDeepStrictEqual(seen, expected)) throw new Disagreement(step, expected, seen)
}

/** The rows of a table have no order. */
function sort(state: WorldState): WorldState {
  return Object.fromEntries(
    Object.entries(state).map(([table, rows]) => [table, rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]),
  )
}
