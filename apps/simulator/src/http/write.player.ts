import type { Exchange } from './exchange.js'

/** A response body as a list of writes, with pauses between them, and what happens after the last one. */
export interface WritePlan {
  readonly writes: readonly (string | Buffer)[]
  /** Pause after each write; 0 = all in one go, as fast as the client reads. */
  readonly gapMs: number
  /** One longer pause before the write with this index; `ms` 0 = for ever. */
  readonly pause?: { readonly index: number; readonly ms: number }
  /** `hang` leaves the response open until the client gives up. */
  readonly ending: 'end' | 'reset' | 'hang'
  onLast?(): void
}

/** A reset overtakes bytes that the client has not read yet, so it waits until they have surely arrived. */
const RESET_DELAY_MS = 20

/** Plays the plan from `index` on; stops by itself when the client goes away. */
export function play(exchange: Exchange, plan: WritePlan, index = 0): void {
  const { writes, pause } = plan
  let next = index
  while (next < writes.length) {
    if (exchange.closed) return
    if (pause?.index === next) {
      if (pause.ms > 0) {
        const { pause: _done, ...rest } = plan
        exchange.after(pause.ms, () => play(exchange, rest, next))
      }
      return
    }
    const chunk = writes[next++]!
    if (next === writes.length && plan.ending === 'end') return end(exchange, plan, chunk)
    const taken = exchange.response.write(chunk)
    const resume = next
    if (plan.gapMs > 0) return exchange.after(plan.gapMs, () => play(exchange, plan, resume))
    if (!taken) {
      exchange.response.once('drain', () => play(exchange, plan, resume))
      return
    }
  }
  if (plan.ending === 'end') end(exchange, plan)
  else if (plan.ending === 'reset') exchange.after(RESET_DELAY_MS, () => exchange.reset())
}

function end(exchange: Exchange, plan: WritePlan, chunk?: string | Buffer): void {
  plan.onLast?.()
  exchange.leaveStream()
  exchange.response.end(chunk)
}
