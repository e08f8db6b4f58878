import { waitUntil, type ServiceRig } from '#tools/rig'
import type { ProducerJournal } from './invariants/journal.js'

interface Progress {
  readonly runs: number
  readonly rejections: number
  readonly queued: number
  readonly outbox: number
}

/** Resolves when everything that was sent has ended and is published, and the topic readers have seen it all. */
export async function whenQuiet(rig: ServiceRig, journal: ProducerJournal, timeoutMs = 60_000): Promise<void> {
  const tasks = journal.taskIds.size
  let last: Progress | undefined
  await waitUntil(
    async () => {
      last = await readProgress(rig)
      return last.runs === tasks && last.rejections === journal.rejections && last.queued === 0 && last.outbox === 0
    },
    { what: 'all tasks to end', timeoutMs },
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify({ expected: { tasks, rejections: journal.rejections }, got: last })}`)
  })
  await (await rig.results()).waitFor((events) => distinct(events) >= tasks, { what: 'all results on their topic' })
  await (await rig.deadLetters()).waitFor((events) => distinct(events) >= journal.rejections, { what: 'all dead letters on their topic' })
  await waitUntil(async () => (await rig.calls()).every(({ outcome }) => outcome !== 'open'), { what: 'all calls to end' })
}

async function readProgress({ ledger }: ServiceRig): Promise<Progress> {
  const [row] = await ledger.rows<Progress>(
    `SELECT (SELECT count(*) FROM run_record) AS runs, (SELECT count(*) FROM rejected_delivery) AS rejections,
            (SELECT count(*) FROM task_queue WHERE state <> 'held') AS queued, (SELECT count(*) FROM outbox) AS outbox`,
  )
  return row!
}

function distinct(events: readonly { readonly value: { readonly event_id: string } }[]): number {
  return new Set(events.map(({ value }) => value.event_id)).size
}
