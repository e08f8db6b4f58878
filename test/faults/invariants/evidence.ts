import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { DeadLetterEvent, ResultEvent } from '#libs/contracts'
import { PROJECT_FOLDER, type Acknowledged, type BilledCall, type CollectedEvent, type ServiceRig } from '#tools/rig'
import { loadTaskTypes } from '../../../libs/tasks/src/types/load-task-types.js'
import { taskTypesSettings } from '../../../libs/tasks/src/types/task-types.settings.js'
import { readLedger, type LedgerSnapshot } from './ledger.snapshot.js'
import type { AckedRecord } from './journal.js'
import { listSecrets } from './list-secrets.js'

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
  /** When faults were at work that may have broken calls. */
  readonly faults: readonly FaultTime[]
  /** By task type: how often a run may be sent again after a call that may have been paid for. */
  readonly mostRepeats: ReadonlyMap<string, number>
  /** Calls that all workers together may make at once; undefined where the run sets no such limit. */
  readonly streams: number | undefined
  /** Of the workers. */
  readonly log: string
  /** What else they show: metrics, readiness, lines in PostgreSQL. */
  readonly pages: readonly string[]
  /** What must not be in it, by the name of its setting. */
  readonly secrets: ReadonlyMap<string, string>
}

/** In ms of the wall clock. */
export interface FaultTime {
  readonly fromMs: number
  readonly toMs: number
}

export interface EvidenceOptions {
  readonly acked: readonly AckedRecord[]
  readonly interrupted?: ReadonlySet<string>
  readonly faults?: readonly FaultTime[]
  readonly log: string
}

export async function collectEvidence(rig: ServiceRig, { acked, interrupted, faults = [], log }: EvidenceOptions): Promise<Evidence> {
  const [ledger, results, deadLetters, calls, committed, answers, pages] = await Promise.all([
    readLedger(rig.ledger),
    rig.results(),
    rig.deadLetters(),
    rig.calls(),
    rig.topics.committed(Array.from({ length: rig.partitions }, (_, partition) => partition)),
    readAnswers(rig),
    readPages(rig),
  ])
  return {
    acked,
    ledger,
    results: results.events,
    deadLetters: deadLetters.events,
    calls,
    committed,
    answers,
    interrupted,
    faults,
    mostRepeats: readMostRepeats(rig.env),
    streams: rig.env.LLM_MAX_STREAMS === undefined ? undefined : Number(rig.env.LLM_MAX_STREAMS),
    log,
    pages,
    secrets: listSecrets(rig.env),
  }
}

async function readPages(rig: ServiceRig): Promise<string[]> {
  const stored = await rig.ledger.rows<{ line: string }>(`SELECT line::text AS line FROM log_line`).catch(() => [])
  return [...(await rig.readPages()), stored.map(({ line }) => line).join('\n')]
}

async function readAnswers({ bucket }: ServiceRig): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for (const key of await bucket.keys('answers/')) {
    const body = await bucket.get(key)
    objects.push({ key, sha256: createHash('sha256').update(body).digest('hex'), text: body.toString() })
  }
  return objects
}

/** As the workers' own task types say. */
function readMostRepeats(env: Readonly<Record<string, string>>): Map<string, number> {
  const settings = taskTypesSettings.parse(env)
  const { types, problems } = loadTaskTypes({ ...settings, folder: resolve(PROJECT_FOLDER, settings.folder) })
  if (problems.length > 0) throw new Error(`the task types of this run are wrong: ${JSON.stringify(problems)}`)
  return new Map(types.map(({ name, onMaybePaid, maxMaybePaid }) => [name, onMaybePaid === 'retry' ? maxMaybePaid : 0]))
}
