import pg from 'pg'
import type { DeadLetterEvent, ResultEvent } from '#libs/contracts'
import type { CollectedEvent, SimulatorControl } from '#tools/rig'

/** Everything that the demo saw from outside: the topics, the simulator's bill, the ledger. */
export interface Observations {
  readonly results: readonly CollectedEvent<ResultEvent>[]
  readonly deadLetters: readonly CollectedEvent<DeadLetterEvent>[]
  /** How often the simulator has charged for each task. */
  readonly paidCalls: ReadonlyMap<string, number>
}

/** The bill knows attempts, the ledger knows whose they are. A paid call that no attempt explains is counted under its own id. */
export async function countPaidCalls(simulator: SimulatorControl, databaseUrl: string): Promise<Map<string, number>> {
  const owners = await readAttempts(databaseUrl)
  const counts = new Map<string, number>()
  for (const call of await simulator.bill()) {
    if (!call.paid || !call.path.endsWith('/chat/completions')) continue
    const owner = owners.get(call.attempt_id ?? '') ?? `unknown attempt ${call.attempt_id}`
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  return counts
}

async function readAttempts(databaseUrl: string): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string; task_id: string }>(
      'SELECT a.id, t.task_id FROM attempt a JOIN task t ON t.accepted_on = a.accepted_on AND t.id = a.task_number',
    )
    return new Map(rows.map((row) => [row.id, row.task_id]))
  } finally {
    await client.end()
  }
}
