import type { LaneGates, LimitReads } from '#libs/kernel'
import type { AdmissionEvents } from '../admission.events.js'
import type { Limits } from '../limits/limits.js'
import { readValue } from '../meters/find-refusal.js'
import { readLeft } from '../meters/meter.js'
import { countBlocked, type BlockedByGate } from './count-blocked.js'

export interface MeterReading {
  readonly gate: string
  readonly value: number
  readonly limit: number
  /** Of a day what is spent; of a minute what may still be taken. */
  readonly counts: 'spent' | 'free'
}

export interface LimitView {
  readonly meters: readonly MeterReading[]
  readonly blocked: readonly BlockedByGate[]
}

export interface LimitWatchOptions {
  readonly reads: LimitReads
  readonly limits: Limits
  readonly gates: LaneGates
  readonly events: AdmissionEvents
  /** So long whoever looks waits for PostgreSQL. */
  readonly patienceMs: number
}

/** Counting costs as much as there are. */
const MAX_TASKS = 10_000
const NOTHING: LimitView = { meters: [], blocked: [] }

/**
 * How the limits of all replicas stand, whenever somebody looks: a replica that nobody asks reads nothing. Who looks at the same time shares
 * one look; while PostgreSQL is away, or slow, there is nothing to see.
 */
export class LimitWatch {
  private looking: Promise<LimitView> | undefined

  constructor(private readonly options: LimitWatchOptions) {}

  async look(): Promise<LimitView> {
    this.looking ??= this.read().finally(() => (this.looking = undefined))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<LimitView>((resolve) => {
      timer = setTimeout(() => resolve(NOTHING), this.options.patienceMs)
    })
    return Promise.race([this.looking, late]).finally(() => clearTimeout(timer))
  }

  private async read(): Promise<LimitView> {
    const { reads, limits, gates, events } = this.options
    try {
      const waiting = await reads.listWaitingLanes(MAX_TASKS)
      const meters = limits.allMeters
      const names = new Set(waiting.flatMap(({ lane }) => gates.keysOf(lane).gates))
      const facts = await reads.read({ gates: [...names], meters })
      return {
        meters: meters.map((meter) => ({
          gate: meter.meter,
          value: readValue(
            meter,
            readLeft(meter, facts.levels.find((level) => level.meter === meter.meter) ?? { amount: null, sinceMs: 0 }),
          ),
          limit: meter.limit,
          counts: meter.isDaily ? 'spent' : 'free',
        })),
        blocked: countBlocked(waiting, facts, gates),
      }
    } catch (error) {
      events.emit('failed', error)
      return NOTHING
    }
  }
}
