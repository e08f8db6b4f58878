import { makeLaneKey, type Lane } from '#libs/kernel'

interface Entry {
  readonly lane: Lane
  /** It may have tasks that are due. */
  isDue: boolean
  /** Claims that are under way for it. */
  claims: number
}

/**
 * Which lanes may have tasks that are due.
 *
 * quiet -> due   tasks were accepted, put back or found by a look into the queue
 * due -> quiet   a claim is under way for it; due again when the claim got all it had room for
 */
export class LaneBook {
  private readonly entries = new Map<string, Entry>()

  /** Returns those that were quiet before. */
  notice(lanes: Iterable<Lane>): Lane[] {
    const woken: Lane[] = []
    for (const lane of lanes) {
      const entry = this.entryOf(lane)
      if (entry.isDue) continue
      entry.isDue = true
      woken.push(entry.lane)
    }
    return woken
  }

  startClaim(lane: Lane): void {
    const entry = this.entryOf(lane)
    entry.isDue = false
    entry.claims++
  }

  endClaim(lane: Lane): void {
    this.entryOf(lane).claims--
  }

  isBeingClaimed(lane: Lane): boolean {
    return this.entryOf(lane).claims > 0
  }

  isDue(lane: Lane): boolean {
    return this.entries.get(makeLaneKey(lane))?.isDue ?? false
  }

  /** Forgets lanes that are neither due, nor claimed for, nor among these, so that it does not grow for ever. */
  forgetAllBut(lanes: readonly Lane[]): void {
    const kept = new Set(lanes.map(makeLaneKey))
    for (const [key, { isDue, claims }] of this.entries) if (!isDue && claims === 0 && !kept.has(key)) this.entries.delete(key)
  }

  get due(): readonly Lane[] {
    return [...this.entries.values()].flatMap(({ lane, isDue }) => (isDue ? [lane] : []))
  }

  private entryOf({ provider, model, tenant }: Lane): Entry {
    const key = makeLaneKey({ provider, model, tenant })
    let entry = this.entries.get(key)
    if (!entry) {
      // Not the lane itself: it may be a task with all its bytes.
      entry = { lane: { provider, model, tenant }, isDue: false, claims: 0 }
      this.entries.set(key, entry)
    }
    return entry
  }
}
