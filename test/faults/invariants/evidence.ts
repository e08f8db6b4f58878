import { createHash } from 'node:crypto'
import type { DeadLetterEvent, ResultEvent } from '#libs/contracts'
import type { Acknowledged, BilledCall, CollectedEvent, ServiceRig } from '#tools/rig'
import { readLedger, type LedgerSnapshot } from './ledger.snapshot.js'
import type { AckedRecord } from './journal.js'

/** An answer that was put into object storage. */
export interface StoredObject {
  readonly key: string
  readonly sha256: string
  readonly text: string
}

/** What is known after a fault and a quiet period, from four sides: the producer, the ledger, the result topics, the provider's bill. */
export interface Evidence {
  readonly acked: readonly AckedRecord[]
  readonly ledger: LedgerSnapshot
  readonly results: readonly CollectedEvent<ResultEvent>[]
  readonly deadLetters: readonly CollectedEvent<DeadLetterEvent>[]
  readonly calls: readonly BilledCall[]
  readonly committed: readonly Acknowledged[]
  readonly answers: readonly StoredObject[]
  /** Attempts that were in `sending` when a worker was killed; undefined where calls were broken by other faults too. */
  readonly interrupted: ReadonlySet<string> | undefined
  readonly log: string
}

export interface EvidenceOptions {
  readonly acked: readonly AckedRecord[]
  readonly interrupted?: ReadonlySet<string>
  readonly log: string
}

export async function collectEvidence(rig: ServiceRig, { acked, interrupted, log }: EvidenceOptions): Promise<Evidence> {
  const [ledger, results, deadLetters, calls, committed, answers] = await Promise.all([
    readLedger(rig.ledger),
    rig.results(),
    rig.deadLetters(),
    rig.calls(),
    rig.topics.committed(Array.from({ length: rig.partitions }, (_, partition) => partition)),
    readAnswers(rig),
  ])
  return { acked, ledger, results: results.events, deadLetters: deadLetters.events, calls, committed, answers, interrupted, log }
}

async function readAnswers({ bucket }: ServiceRig): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for (const key of await bucket.keys('answers/')) {
    const body = await bucket.get(key)
    objects.push({ key, sha256: createHash('sha256').update(body).digest('hex'), text: body.toString() })
  }
  return objects
}
