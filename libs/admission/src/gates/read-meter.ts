import type { GateReading, MeterLevel, Reservation } from '#libs/kernel'
import { findRefusal, readValue } from '../meters/find-refusal.js'
import { costOf, isBucket, makeBucket, readLeft, type Meter } from '../meters/meter.js'

const NAMES: Readonly<Record<Meter['kind'], string>> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
  max_tokens: 'budget tokens per day',
  money: 'budget money per day',
}

const UNITS: Readonly<Record<Meter['kind'], string>> = { requests: 'requests', tokens: 'tokens', max_tokens: 'tokens', money: 'money' }

/**
 * How a meter stands for calls of which this would be reserved, one for itself each: first that of the task, then that of the one before it,
 * which it may pass where a day's budget is what the other one waits for.
 */
export function readMeter(
  meter: Meter,
  level: MeterLevel | undefined,
  { reservations, nowMs }: { readonly reservations: readonly Reservation[]; readonly nowMs: number },
): GateReading {
  const left = readLeft(meter, level ?? { amount: null, sinceMs: 0 })
  const refused = (isBucket(meter) ? reservations : reservations.slice(0, 1)).flatMap((reservation) => {
    const refusal = findRefusal(meter, left, { reservation, nowMs })
    return refusal ? [{ refusal, cost: costOf(meter, reservation) }] : []
  })
  const reading = {
    gate: meter.meter,
    name: `${NAMES[meter.kind]} ${meter.meter.slice(meter.meter.indexOf(':') + 1)}`,
    value: readValue(meter, left),
    limit: meter.limit,
    unit: UNITS[meter.kind],
  }
  const [first] = refused
  if (!first) return { ...reading, blocks: false, waitMs: 0, detail: describeRoom(meter) }
  if (first.cost === undefined) {
    const detail = 'the price of the model is not known: name it in LIMITS_FILE'
    return { ...reading, gate: first.refusal.gate, name: `price for ${reading.name}`, blocks: true, waitMs: null, detail }
  }
  const cost = Math.max(...refused.map((one) => one.cost!))
  if (!isBucket(meter) && cost > meter.limit) {
    const detail = `a call may use ${round(cost)}, more than a whole day has, so the task ends as exceeds_budget: raise the budget, or ask for fewer tokens`
    return { ...reading, blocks: true, waitMs: null, detail }
  }
  const waitMs = Math.max(...refused.map(({ refusal }) => refusal.waitMs))
  return {
    ...reading,
    blocks: true,
    waitMs,
    detail: `the next call is counted with ${round(cost)}${describeEstimate(meter)}; ${describeRoom(meter)}`,
  }
}

/** A worker has learned how much of their estimates calls of the lane really use; whoever only looks has not. */
function describeEstimate({ kind }: Meter): string {
  return kind === 'tokens' ? ' by its estimate, and by less where workers have seen that such calls use less' : ''
}

function describeRoom(meter: Meter): string {
  if (!isBucket(meter)) return 'spent of the day; it begins anew at midnight UTC, and what calls under way do not use comes back earlier'
  return `free now; at most ${round(makeBucket(meter).capacity)} may come at once`
}

function round(amount: number): number {
  return Math.round(amount * 100) / 100
}
