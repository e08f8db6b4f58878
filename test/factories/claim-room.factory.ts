import type { ClaimRoom, Lane } from '#libs/kernel'

/** The lane of tasks whose factory was not told otherwise. */
const LANE: Lane = { provider: 'gigachat', model: 'GigaChat-2', tenant: 'default' }

/** Room for tasks of one lane. */
export function makeClaimRoom(tasks: number, { kind = 'due', lane = LANE }: { kind?: ClaimRoom['kind']; lane?: Lane } = {}): ClaimRoom {
  const { provider, model, tenant } = lane
  return { kind, tasks, lanes: tasks > 0 ? [{ provider, model, tenant, tasks, isProbe: false }] : [] }
}
