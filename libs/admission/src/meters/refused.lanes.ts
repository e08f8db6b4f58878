import { makeLaneKey, type Clock, type Lane, type MeterRefusal } from '#libs/kernel'

/** A gate may open earlier than was thought: what was reserved comes back when calls end, on other replicas too. */
const MAX_WAIT_MS = 1_000

/** Lanes that a meter blocks, until it is worth asking again. */
export class RefusedLanes {
  /** Until when, on this process's clock. */
  private readonly refused = new Map<string, number>()

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  note(lane: Lane, { waitMs }: MeterRefusal): void {
    this.refused.set(makeLaneKey(lane), this.clock.monotonicMs() + Math.min(waitMs, MAX_WAIT_MS))
  }

  /** Whatever blocked it lets calls through again. */
  forget(lane: Lane): void {
    this.refused.delete(makeLaneKey(lane))
  }

  blocks(lane: Lane): boolean {
    const untilMs = this.refused.get(makeLaneKey(lane))
    return untilMs !== undefined && this.clock.monotonicMs() < untilMs
  }

  /** Until one of these lanes may be asked for again; Infinity: none is blocked. */
  nextMs(lanes: readonly Lane[]): number {
    const times = lanes.map((lane) => this.refused.get(makeLaneKey(lane)) ?? Number.POSITIVE_INFINITY)
    const nowMs = this.clock.monotonicMs()
    return Math.min(...times.filter((untilMs) => untilMs > nowMs), Number.POSITIVE_INFINITY) - nowMs
  }
}
