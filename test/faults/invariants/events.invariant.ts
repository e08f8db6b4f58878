import type { CollectedEvent } from '#tools/rig'
import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

interface Published {
  readonly event_id: string
}

/**
 * I2: every terminal record and every rejection is published, once or more, always with one event id and an identical body; failed runs
 * have a dead letter too. I3: what was published is what the ledger keeps, and no terminal record was ever changed.
 */
export function checkEvents({ ledger, results, deadLetters }: Evidence): Violation[] {
  const resultsDue = ledger.runs.map((run) => ({ id: run.result_event_id, body: run.result_event }))
  const failuresDue = ledger.runs.flatMap(({ dead_letter_event_id: id, dead_letter_event: body }) =>
    id === null || body === null ? [] : [{ id, body }],
  )
  const rejectionsDue = ledger.rejections.map((row) => ({ id: row.dead_letter_event_id, body: row.dead_letter_event }))
  return [
    ...compare('result', resultsDue, results),
    ...compare('dead letter', [...failuresDue, ...rejectionsDue], deadLetters),
    ...ledger.runs
      .filter((run) => (run.outcome === 'failed') !== (run.dead_letter_event_id !== null))
      .map((run) => ({ invariant: 'I2', problem: 'only failed runs have a dead letter, and all of them', evidence: run.task_id })),
    ...ledger.changedEnds.map((change) => ({ invariant: 'I3', problem: 'a terminal record was changed', evidence: change })),
  ]
}

function compare(
  what: string,
  due: readonly { readonly id: string; readonly body: string }[],
  published: readonly CollectedEvent<Published>[],
): Violation[] {
  const violations: Violation[] = []
  const byId = Map.groupBy(published, ({ value }) => value.event_id)
  const ids = new Set(due.map(({ id }) => id))
  for (const { id, body } of due) {
    const events = byId.get(id) ?? []
    if (events.length === 0) violations.push({ invariant: 'I2', problem: `a ${what} was never published`, evidence: body.slice(0, 300) })
    for (const event of events) {
      if (JSON.stringify(event.value) === body) continue
      violations.push({ invariant: 'I2', problem: `a ${what} differs from the ledger's`, evidence: { id, body, published: event.value } })
    }
  }
  for (const [id, events] of byId) {
    if (!ids.has(id))
      violations.push({ invariant: 'I2', problem: `a ${what} was published of which the ledger knows nothing`, evidence: events[0]!.value })
  }
  return violations
}
