import type { MeterRefusal, Reservation } from '#libs/kernel'
import { costOf, estimateWaitMs, mayTake, type Meter } from './meter.js'

/** Of a model without a price, where money is counted: somebody must name it first. */
const NO_PRICE_WAIT_MS = 60_000

/** Why a call may not start of which this is reserved; undefined: the meter lets it pass. */
export function findRefusal(
  meter: Meter,
  left: number,
  { reservation, nowMs }: { readonly reservation: Reservation; readonly nowMs: number },
): MeterRefusal | undefined {
  const cost = costOf(meter, reservation)
  if (cost === undefined) return { gate: `price:${meter.meter}`, value: 0, limit: meter.limit, waitMs: NO_PRICE_WAIT_MS }
  if (mayTake(meter, left, cost)) return undefined
  return { gate: meter.meter, value: readValue(meter, left), limit: meter.limit, waitMs: estimateWaitMs(meter, left, { cost, nowMs }) }
}

/** As a person reads it: of a day what is spent, of a minute what may still be taken. */
export function readValue(meter: Meter, left: number): number {
  return meter.isDaily ? meter.limit - left : left
}
