import { makeLaneKey, type AcceptResult, type ClaimedTask, type ClaimRoom, type NewTask } from '#libs/kernel'
import { claimRow, isDue } from './model.claim.js'
import { promoteHead } from './model.keys.js'
import type { ModelTables, QueuedTask } from './model.tables.js'

/** Up to how many tasks may be claimed together with being accepted, and under which lease. */
export interface ModelRoom {
  readonly leaseId: number
  readonly room: ClaimRoom
}

export interface Stored {
  /** The tasks of the batch that were new. */
  readonly fresh: ReadonlySet<NewTask>
  readonly claimed: ClaimedTask[]
}

/**
 * Stores what is new, the tasks of a batch in the order of their ids. What may run at once is claimed: neither ordered nor with files, and
 * only while no older task of its lane is due and its route is not closed.
 */
export function storeTasks(tables: ModelTables, tasks: readonly NewTask[], nowMs: number, room?: ModelRoom): Stored {
  const waiting = new Set([...tables.queue.values()].filter((row) => isDue(row, nowMs)).map((row) => makeLaneKey(row.task)))
  const lanes = room && tables.holdsLease(room.leaseId) ? room.room.lanes.filter((lane) => !waiting.has(makeLaneKey(lane))) : []
  const fresh = new Set<NewTask>()
  const rows: QueuedTask[] = []
  for (const task of tasks.toSorted((a, b) => (identityOf(a) < identityOf(b) ? -1 : 1))) {
    if (tables.identities.has(identityOf(task))) continue
    fresh.add(task)
    rows.push(insert(tables, task, nowMs))
  }
  rows.forEach(({ task }) => promoteHead(tables, task.orderingKey))
  const chosen = lanes
    .filter((lane) => tables.routeOf(lane).status === 'closed')
    .flatMap((lane) =>
      rows
        .filter(({ task }) => task.orderingKey === null && !task.hasFiles && makeLaneKey(task) === makeLaneKey(lane))
        .toSorted((a, b) => b.task.priority - a.task.priority || a.id - b.id)
        .slice(0, lane.tasks),
    )
  return { fresh, claimed: chosen.map((row) => claimRow(tables, row, room!.leaseId)) }
}

/** What a task is that was there before. A resend of an ended task has its result published again, once in a batch. */
export function recogniseTasks(tables: ModelTables, tasks: readonly NewTask[], nowMs: number): AcceptResult[] {
  const again = new Set<number>()
  const results = tasks.map((task): AcceptResult => {
    const known = tables.identities.get(identityOf(task))!
    if (!known.task.payloadHash.equals(task.payloadHash)) return 'conflict'
    if (isSamePlace(known.task, task)) return 'duplicate'
    again.add(known.id)
    return 'resend'
  })
  for (const id of again) {
    const record = tables.records.get(id)
    if (record) tables.outbox.push({ id: tables.nextNumber(), channel: 'results', of: record, createdAtMs: nowMs })
  }
  return results
}

function insert(tables: ModelTables, task: NewTask, nowMs: number): QueuedTask {
  const id = tables.nextNumber()
  const row: QueuedTask = {
    id,
    task,
    acceptedAtMs: nowMs,
    state: 'pending',
    runAtMs: nowMs,
    reason: null,
    isHead: task.orderingKey === null,
    prepare: task.hasFiles,
    leaseId: null,
    claims: 0,
    sends: 0,
    attempts: 0,
    maybePaid: 0,
    crashes: 0,
    suspectSinceMs: null,
    deaths: 0,
    deferralClass: null,
    deferrals: 0,
    freeAttemptUsed: false,
    promptVersion: null,
  }
  tables.identities.set(identityOf(task), { id, task })
  tables.queue.set(id, row)
  return row
}

function isSamePlace({ source: a }: NewTask, { source: b }: NewTask): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.offset === b.offset
}

function identityOf({ tenant, taskId }: NewTask): string {
  return `${tenant}\n${taskId}`
}
