import { waitUntil, type ServiceRig } from '#tools/rig'

/** How many deliveries and tasks a kill caught, by step. */
export interface CaughtSteps {
  /** S5: attempts whose call was out, or about to go. */
  readonly sending: readonly string[]
  /** S4: claimed, its files being read. */
  readonly preparing: number
  /** S6 to S8: the answer is stored and the task has not ended. */
  readonly answered: number
  /** S8 to S10: ended, perhaps published, not marked. */
  readonly unpublished: number
}

/** What a worker left behind: read when PostgreSQL has ended its last statement, since one that was under way may still be committed. */
export async function readInterruption({ ledger }: ServiceRig): Promise<CaughtSteps> {
  await whenDisconnected({ ledger })
  const sending = await ledger.rows<{ id: string }>(`SELECT id FROM attempt WHERE state = 'sending'`)
  const [counts] = await ledger.rows<Omit<CaughtSteps, 'sending'>>(
    `WITH running AS (SELECT * FROM task_queue WHERE state = 'running')
     SELECT (SELECT count(*) FROM running r WHERE r.prepare) AS preparing,
            (SELECT count(*) FROM running r WHERE EXISTS (
              SELECT FROM answer a WHERE a.accepted_on = r.accepted_on AND a.task_number = r.id AND a.run = r.run)) AS answered,
            (SELECT count(*) FROM outbox) AS unpublished`,
  )
  return { ...counts!, sending: sending.map(({ id }) => id) }
}

/** Resolves when no worker is connected to the database any more. */
export async function whenDisconnected({ ledger }: Pick<ServiceRig, 'ledger'>): Promise<void> {
  const count = () =>
    ledger.value<number>(
      `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('sluice', 'sluice-listen')`,
    )
  await waitUntil(async () => (await count()) === 0, { what: "PostgreSQL to end the workers' connections" })
}
