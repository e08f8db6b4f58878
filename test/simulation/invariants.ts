import type { NewTask, TaskType } from '#libs/kernel'
import type { ModelTables } from '../model/model.tables.js'
import type { SeenSend } from './simulated-llm.client.js'

/** A lease may become too old between a claim and its send: now and then, not again and again. */
const MAX_UNSENT = 5

export interface SimulationEvidence {
  readonly tables: ModelTables
  readonly accepted: readonly NewTask[]
  readonly sends: readonly SeenSend[]
  readonly topic: ReadonlyMap<string, ReadonlySet<string>>
  readonly types: readonly TaskType[]
  /** What the provider allows at once. */
  readonly maxStreams: number
}

/** What must hold when faults have stopped and time has gone on: each violation in words. */
export function findViolations(evidence: SimulationEvidence): string[] {
  return [
    ...findUnended(evidence),
    ...findUnpublished(evidence),
    ...findBadSends(evidence),
    ...findCrowds(evidence),
    ...findDisorder(evidence),
    ...findChurn(evidence),
  ]
}

function findUnended({ tables, accepted }: SimulationEvidence): string[] {
  const stuck = [...tables.queue.values()].map((row) => `${row.task.taskId} is stuck: ${row.state}, ${row.reason}, lease ${row.leaseId}`)
  const ended = new Set([...tables.records.values()].map(({ end }) => end.task.taskId))
  const lost = accepted.filter(({ taskId }) => !ended.has(taskId) && !stuck.some((text) => text.startsWith(`${taskId} `)))
  return [...stuck, ...lost.map(({ taskId }) => `${taskId} was accepted and has no terminal record`)]
}

function findUnpublished({ tables, topic }: SimulationEvidence): string[] {
  const waiting = tables.outbox.map(({ id }) => `message ${id} is still in the outbox`)
  const results = [...tables.records.values()].flatMap(({ end, event }) => {
    const values = topic.get(end.resultEventId)
    return values?.size === 1 && values.has(event.toString()) ? [] : [`${end.task.taskId} has ${values?.size ?? 0} results on the topic`]
  })
  return [...waiting, ...results]
}

/** An answer is bought once, and again only after a call that may have been paid for, as often as the type allows. */
function findBadSends({ tables, sends, types }: SimulationEvidence): string[] {
  const late = sends.filter(({ wasAnswered }) => wasAnswered).map(({ attemptId }) => `${attemptId} was sent after an answer was stored`)
  const ids = sends.map(({ attemptId }) => attemptId)
  const twice = ids.filter((id, index) => ids.indexOf(id) < index).map((id) => `${id} was sent twice`)
  const unknown = sends.filter(({ wasOpen }) => !wasOpen).map(({ attemptId }) => `${attemptId} was sent without an open attempt`)
  const bought = [...tables.identities.values()].flatMap(({ id, task }) => {
    const type = types.find(({ name }) => name === task.type)!
    const most = type.onMaybePaid === 'retry' ? type.maxMaybePaid + 1 : 1
    const paid = tables.attempts.filter(({ taskNumber, state }) => taskNumber === id && (state === 'answered' || state === 'maybe_paid'))
    return paid.length > most ? [`${task.taskId} may have been paid for ${paid.length} times, and ${most} are allowed`] : []
  })
  return [...late, ...twice, ...unknown, ...bought]
}

/** The most that are under way at once are there when one of them begins. */
function findCrowds({ sends, maxStreams }: SimulationEvidence): string[] {
  return sends
    .filter(({ inFlight }) => inFlight > maxStreams)
    .map(({ attemptId, inFlight }) => `${attemptId} was call number ${inFlight} at once, and ${maxStreams} are allowed`)
}

/** A replica that must not send takes no tasks: each claim would be an attempt for nothing. */
function findChurn({ tables }: SimulationEvidence): string[] {
  const unsent = tables.attempts.filter(({ state, errorCode }) => state === 'not_sent' && errorCode === 'lease_lost')
  return [...Map.groupBy(unsent, ({ taskNumber }) => taskNumber)]
    .filter(([, { length }]) => length > MAX_UNSENT)
    .map(([id, { length }]) => `task number ${id} was claimed ${length} times by replicas that were not allowed to send`)
}

/** The results of a key are numbered without a gap, in the order of the offsets. */
function findDisorder({ tables }: SimulationEvidence): string[] {
  const ofKeys = Map.groupBy(
    [...tables.records.values()].filter(({ end }) => end.task.orderingKey),
    ({ end }) => end.task.orderingKey!.toString(),
  )
  return [...ofKeys].flatMap(([key, records]) => {
    const numbers = records.map(({ keySequence }) => keySequence)
    const offsets = records.map(({ end }) => Number(end.task.source.offset))
    const isOrdered =
      numbers.every((number, index) => number === index + 1) && offsets.every((offset, index) => !index || offset > offsets[index - 1]!)
    return isOrdered ? [] : [`key ${key} ended in the order ${offsets.join(', ')}, numbered ${numbers.join(', ')}`]
  })
}
