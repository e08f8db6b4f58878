import type { SeededRandom } from '../faults/seeded-random.js'
import type { Faults } from './faults.js'

/** Waits in the virtual time of the run. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * What a replica goes through: running -> frozen -> running, or -> dead. Whatever waits for a port of a dead replica waits for ever; of a
 * frozen one it goes on later, when its lease may be gone.
 */
export class ReplicaFate {
  isDead = false
  private frozenUntilMs = 0

  constructor(
    private readonly random: SeededRandom,
    private readonly faults: Faults,
  ) {}

  die(): void {
    this.isDead = true
  }

  freeze(forMs: number): void {
    this.frozenUntilMs = Date.now() + forMs
  }

  get isRunning(): boolean {
    return !this.isDead && Date.now() >= this.frozenUntilMs
  }

  /** Before or after a port's work: the way there and back takes up to 20 ms, and any may be the last, or take long. */
  async pass(): Promise<void> {
    if (this.faults.happens('death')) this.die()
    if (this.faults.happens('freeze')) this.freeze(this.random.between(1_000, 30_000))
    await wait(this.random.between(0, 20))
    while (!this.isDead && Date.now() < this.frozenUntilMs) await wait(this.frozenUntilMs - Date.now())
    if (this.isDead) await new Promise(() => {})
  }
}
