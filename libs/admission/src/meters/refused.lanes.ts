import { makeLaneKey, type Clock, type Lane, type MeterKey, type MeterRefusal } from '#libs/kernel'

/** A gate may open earlier than was thought: what was reserved comes back when calls end, on other replicas too. */
const MAX_WAIT_MS = 1_000

/**
 * Lanes that a meter blocks, until it is worth asking again. A minute's limit that lanes share blocks all of them until the same moment: then
 * they ask together, and it is their turns that decide, not who asks first.
 */
export class RefusedLanes {
  /** Until when, on this process's clock, by shared meter or by lane. */
  private readonly refused = new Map<string, number>()

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly metersOf: (lane: Lane) => readonly MeterKey[],
  ) {}

  note(lane: Lane, { gate, waitMs }: MeterRefusal): void {
    const key = this.sharedOf(lane).includes(gate) ? gate : makeLaneKey(lane)
    this.refused.set(key, this.clock.monotonicMs() + Math.min(waitMs, MAX_WAIT_MS))
  }

  /** Whatever blocked it lets calls through again. */
  forget(lane: Lane): void {
    for (const key of this.keysOf(lane)) this.refused.delete(key)
  }

  blocks(lane: Lane): boolean {
    return this.untilMs(this.keysOf(lane)) > this.clock.monotonicMs()
  }

  /** It waits for a limit that is shared, not for a budget of its own. */
  isInTurn(lane: Lane): boolean {
    return this.untilMs(this.sharedOf(lane)) > this.clock.monotonicMs()
  }

  /** Until one of these lanes may be asked for again; Infinity: none is blocked. */
  nextMs(lanes: readonly Lane[]): number {
    const nowMs = this.clock.monotonicMs()
    const times = lanes.map((lane) => this.untilMs(this.keysOf(lane))).filter((untilMs) => untilMs > nowMs)
    return Math.min(...times, Number.POSITIVE_INFINITY) - nowMs
  }

  private untilMs(keys: readonly string[]): number {
    return Math.max(...keys.map((key) => this.refused.get(key) ?? Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY)
  }

  private keysOf(lane: Lane): readonly string[] {
    return [makeLaneKey(lane), ...this.sharedOf(lane)]
  }

  private sharedOf(lane: Lane): readonly string[] {
    return this.metersOf(lane).flatMap(({ meter, isDaily }) => (isDaily ? [] : [meter]))
  }
}
