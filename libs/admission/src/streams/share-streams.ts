import type { StreamGrant } from '#libs/kernel'

/** From then on a replica without a stream goes before those that have one. */
const STARVED_MS = 5_000

export interface Division {
  /** What the replica has from now on. */
  readonly streams: number
  /** What it should have once all have given back what is too much. */
  readonly fair: number
}

/**
 * Divides the streams of a gate between replicas: equally, as far as each wants them. What nobody wants is divided equally as well, so that
 * it is at hand wherever the next task comes in. A replica takes only what is free, and gives back only by itself: the sum never passes the
 * limit, whatever the order in which they ask. Streams stay where they are rather than move.
 */
export function shareStreams(limit: number, grants: readonly StreamGrant[], ownLeaseId: number): Division {
  const order = grants.toSorted(comparePrecedence)
  const fair = new Map(order.map(({ leaseId }) => [leaseId, 0]))
  const left = pour(limit, order, (grant) => grant.wanted - fair.get(grant.leaseId)!, fair)
  pour(left, order, () => Number.POSITIVE_INFINITY, fair)
  const own = grants.find(({ leaseId }) => leaseId === ownLeaseId)!
  const free = Math.max(0, limit - grants.reduce((sum, { streams }) => sum + streams, 0))
  const ownFair = fair.get(ownLeaseId)!
  return { fair: ownFair, streams: Math.max(own.streams, Math.min(ownFair, own.streams + free)) }
}

/**
 * Who gets the rest that cannot be divided: those that have starved, the longest first, then those that have the most.
 *
 * Those that have starved are in the same order in every gate, until they have streams of all that they want: otherwise two that each have
 * one of two scarce gates would swap them for ever.
 */
function comparePrecedence(a: StreamGrant, b: StreamGrant): number {
  const [ofA, ofB] = [starvedMs(a), starvedMs(b)]
  return ofB - ofA || (ofA === 0 ? b.streams - a.streams : 0) || a.leaseId - b.leaseId
}

function starvedMs(grant: StreamGrant): number {
  return grant.starvedMs >= STARVED_MS ? grant.starvedMs : 0
}

/** Gives in equal parts to whoever still has room, in this order. Returns what is left. */
function pour(amount: number, order: readonly StreamGrant[], roomOf: (grant: StreamGrant) => number, poured: Map<number, number>): number {
  let left = amount
  let thirsty = order.filter((grant) => roomOf(grant) > 0)
  while (left > 0 && thirsty.length > 0) {
    const part = Math.floor(left / thirsty.length)
    for (const grant of part === 0 ? thirsty.slice(0, left) : thirsty) {
      const given = Math.min(Math.max(part, 1), roomOf(grant))
      poured.set(grant.leaseId, poured.get(grant.leaseId)! + given)
      left -= given
    }
    thirsty = thirsty.filter((grant) => roomOf(grant) > 0)
  }
  return left
}
