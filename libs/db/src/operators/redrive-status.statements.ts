import type { RedriveStatus } from '#libs/kernel'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'

const MAX_REFUSALS = 100

const STATUS = `
  SELECT d.id, d.state, d.actor, d.reason, d.selection, d.call_again, d.rate_per_second, d.created_at, s.*,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('tenant', f.tenant, 'taskId', f.task_id, 'refusal', f.refusal)), '[]') FROM (
       SELECT tenant, task_id, refusal FROM redrive_item WHERE redrive_id = d.id AND state = 'refused' ORDER BY position LIMIT ${MAX_REFUSALS}
     ) f) AS refusals
  FROM redrive d
  CROSS JOIN LATERAL (
    SELECT count(*) AS tasks, coalesce(sum(i.estimated_tokens), 0)::bigint AS tokens,
      count(*) FILTER (WHERE i.state = 'waiting') AS waiting,
      count(*) FILTER (WHERE i.state = 'refused') AS refused,
      count(*) FILTER (WHERE i.state = 'taken_back') AS taken_back,
      count(*) FILTER (WHERE i.state = 'started' AND q.id IS NOT NULL) AS unfinished,
      count(*) FILTER (WHERE r.outcome = 'succeeded') AS succeeded,
      count(*) FILTER (WHERE r.outcome = 'failed') AS failed,
      count(*) FILTER (WHERE r.outcome = 'cancelled') AS cancelled,
      count(*) FILTER (WHERE r.outcome = 'expired') AS expired
    FROM redrive_item i
    LEFT JOIN task_queue q ON i.state = 'started' AND q.id = i.task_number AND q.run = i.run + 1
    LEFT JOIN run_record r ON i.state = 'started' AND r.accepted_on = i.accepted_on AND r.task_number = i.task_number AND r.run = i.run + 1
    WHERE i.redrive_id = d.id
  ) s`

const ONE: Statement = { name: 'redrive-status', text: `${STATUS} WHERE d.id = $1` }

const LAST: Statement = { name: 'redrive-list', text: `${STATUS} ORDER BY d.id DESC LIMIT $1` }

interface StatusRow extends Row {
  id: number
  state: RedriveStatus['state']
  actor: string
  reason: string
  selection: RedriveStatus['selection']
  call_again: boolean
  rate_per_second: number
  created_at: number
  tasks: number
  tokens: number
  waiting: number
  unfinished: number
  succeeded: number
  failed: number
  cancelled: number
  expired: number
  refused: number
  taken_back: number
  refusals: RedriveStatus['refusals']
}

export async function readRedrive(runner: StatementRunner, id: number): Promise<RedriveStatus | null> {
  const [row] = await runner.run<StatusRow>(ONE, [id])
  return row ? makeStatus(row) : null
}

export async function listRedrives(runner: StatementRunner, limit: number): Promise<RedriveStatus[]> {
  return (await runner.run<StatusRow>(LAST, [limit])).map(makeStatus)
}

function makeStatus(row: StatusRow): RedriveStatus {
  const { call_again: callAgain, rate_per_second: ratePerSecond, created_at: createdAt, taken_back: takenBack, ...same } = row
  return { ...same, callAgain, ratePerSecond, createdAt: new Date(createdAt), takenBack }
}
