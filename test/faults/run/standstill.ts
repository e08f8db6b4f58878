import type { ServiceRig } from '#tools/rig'

/** For a person: where the work stands that did not go on. */
export async function describeStandstill({ ledger, topics, partitions, logFile }: ServiceRig): Promise<string> {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const [ends, committed, queue, counts, leases] = await Promise.all([
    topics.ends(all).then(places, String),
    topics.committed(all).then(places, String),
    ledger
      .rows(`SELECT state, reason, prepare, count(*), min(run_at), now() FROM task_queue GROUP BY 1, 2, 3`)
      .then(JSON.stringify, String),
    ledger
      .rows(
        `SELECT (SELECT count(*) FROM task) AS tasks, (SELECT count(*) FROM run_record) AS ends, (SELECT count(*) FROM outbox) AS outbox,
                (SELECT count(*) FROM rejected_delivery) AS rejections`,
      )
      .then(JSON.stringify, String),
    ledger.rows(`SELECT id, state, count(*) FROM worker_lease GROUP BY 1, 2`).then(JSON.stringify, String),
  ])
  return `ends of the topic ${ends}\ncommitted ${committed}\nqueue ${queue}\nledger ${counts}\nleases ${leases}\nlog ${logFile}`
}

function places(offsets: readonly { readonly partition: number; readonly offset: bigint }[]): string {
  return offsets.map(({ partition, offset }) => `${partition}:${offset}`).join(' ')
}
