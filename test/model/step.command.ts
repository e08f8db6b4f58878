import type fc from 'fast-check'
import { compareStep } from './compare-step.js'
import type { LedgerStep } from './ledger.step.js'
import type { LedgerWorld } from './ledger.world.js'
import { canRun } from './pick-holding.js'

/** The real ledger, and what has been done to it so far. */
export interface TracedWorld {
  readonly world: LedgerWorld
  readonly trace: LedgerStep[]
}

/** A step as fast-check wants its commands. */
export class StepCommand implements fc.AsyncCommand<LedgerWorld, TracedWorld> {
  constructor(private readonly step: LedgerStep) {}

  check(model: Readonly<LedgerWorld>): boolean {
    return canRun(model, this.step)
  }

  async run(model: LedgerWorld, { world, trace }: TracedWorld): Promise<void> {
    trace.push(this.step)
    await compareStep(model, world, this.step)
  }

  toString(): string {
    return JSON.stringify(this.step)
  }
}
