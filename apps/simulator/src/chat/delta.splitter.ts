import { charactersOfTokens } from '../token-count.js'

interface Pacing {
  readonly tokensPerEvent: number
  readonly intervalMs: number
}

/** `update_interval` asks for fewer, longer deltas: the text comes at the same speed. Without a speed there is nothing to gather. */
export function pace(events: Pacing, updateIntervalMs: number): Pacing {
  if (events.intervalMs <= 0 || updateIntervalMs <= events.intervalMs) return events
  const gathered = Math.ceil(updateIntervalMs / events.intervalMs)
  return { tokensPerEvent: events.tokensPerEvent * gathered, intervalMs: events.intervalMs * gathered }
}

/** Pieces of some tokens each that never split a surrogate pair; at least one, so that the role is always sent. */
export function makeDeltas(content: string, tokensPerEvent: number): string[] {
  const size = Math.max(1, charactersOfTokens(tokensPerEvent))
  const deltas: string[] = []
  let start = 0
  do {
    let end = Math.min(content.length, start + size)
    if (end < content.length && isHighSurrogate(content.charCodeAt(end - 1))) end++
    deltas.push(content.slice(start, end))
    start = end
  } while (start < content.length)
  return deltas
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
