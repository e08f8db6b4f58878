import { makeLaneKey, type Clock, type Lane, type MeterRefusal } from '#libs/kernel'

interface Refused {
  readonly lane: Lane
  readonly refusal: MeterRefusal
  readonly untilMs: number
}

/** A gate may open earlier than was thought: what was reserved comes back when calls end, on other replicas too. */
const MAX_WAIT_MS = 1_000

/** Lanes that a meter blocks, until it is worth asking again. */
export class RefusedLanes {
  private readonly refused = new Map<string, Refused>()

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  get all(): readonly Refused[] {
    return [...this.refused.values()]
  }

  note({ provider, model, tenant }: Lane, refusal: MeterRefusal): void {
    const lane = { provider, model, tenant }
    const untilMs = this.clock.monotonicMs() + Math.min(refusal.waitMs, MAX_WAIT_MS)
    this.refused.set(makeLaneKey(lane), { lane, refusal, untilMs })
  }

  /** Whatever blocked it lets calls through again. */
  forget(lane: Lane): void {
    this.refused.delete(makeLaneKey(lane))
  }

  blocks(lane: Lane): boolean {
    const found = this.refused.get(makeLaneKey(lane))
    return found !== undefined && this.clock.monotonicMs() < found.untilMs
  }

  /** Until one of these lanes may be asked for again; Infinity: none is blocked. */
  nextMs(lanes: readonly Lane[]): number {
    const times = lanes.map((lane) => this.refused.get(makeLaneKey(lane))?.untilMs ?? Number.POSITIVE_INFINITY)
    const nowMs = this.clock.monotonicMs()
    return Math.min(...times.filter((untilMs) => untilMs > nowMs), Number.POSITIVE_INFINITY) - nowMs
  }
}
