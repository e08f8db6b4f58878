import type { SeededRandom } from '../faults/seeded-random.js'

/** How often each happens while faults go on, from 0 to 1. */
const CHANCES = { lostAnswer: 0.05, refusal: 0.25, brokenCall: 0.1, unsentCall: 0.05, lostMessage: 0.2, death: 0.005, freeze: 0.01 }

/** When faults happen: until `endMs` in the virtual time, then never again. */
export class Faults {
  private ledgerAwayUntilMs = 0

  constructor(
    private readonly random: SeededRandom,
    readonly endMs: number,
  ) {}

  get areOver(): boolean {
    return Date.now() >= this.endMs
  }

  get isLedgerAway(): boolean {
    return Date.now() < this.ledgerAwayUntilMs
  }

  takeLedgerAway(forMs: number): void {
    this.ledgerAwayUntilMs = Date.now() + forMs
  }

  happens(kind: keyof typeof CHANCES): boolean {
    return !this.areOver && this.random.next() < CHANCES[kind]
  }
}
