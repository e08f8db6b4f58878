import type { AttemptUse, Booked, Booking, Lane, MeterChange, MeterKey, MeterLevel } from '#libs/kernel'
import { costOf, isBucket, makeAmount, readLeft, type Meter } from './meter.js'

/** Books what attempts have really used: what was reserved too much goes back, what was too little is taken. */
export class UsageBooking implements Booking {
  constructor(
    readonly uses: readonly AttemptUse[],
    private readonly findMeters: (lane: Lane) => readonly Meter[],
  ) {}

  metersOf({ lane }: AttemptUse): readonly MeterKey[] {
    return this.findMeters(lane)
  }

  book(levels: readonly MeterLevel[], booked: readonly Booked[]): readonly MeterChange[] {
    const changes = new Map<string, { meter: Meter; level: MeterLevel; left: number }>()
    for (const { use, reservation, day } of booked) {
      for (const meter of this.findMeters(use.lane)) {
        const level = levels.find((found) => found.meter === meter.meter && (!meter.isDaily || found.day === day))
        if (!level) continue
        const key = `${level.meter} ${level.day}`
        const change = changes.get(key) ?? { meter, level, left: readLeft(meter, level) }
        const reserved = costOf(meter, reservation) ?? 0
        change.left += reserved - usedOf(meter, use, reserved)
        changes.set(key, change)
      }
    }
    return [...changes.values()].map(({ meter, level, left }) => ({ meter: level.meter, day: level.day, amount: makeAmount(meter, left) }))
  }
}

function usedOf(meter: Meter, { tokens, money, wasNotSent }: AttemptUse, reserved: number): number {
  if (meter.kind === 'requests') return wasNotSent ? 0 : 1
  // What was used at an unknown price costs what was reserved.
  if (meter.kind === 'money') return money ?? reserved
  return isBucket(meter) || meter.kind === 'max_tokens' ? tokens : 0
}
