import { UnusedAnswers, type UnusedAnswer, type UnusedAnswerQuery } from '#libs/kernel'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'

/** By the index of failed runs, which are few. */
const LIST: Statement = {
  name: 'unused-answers',
  text: `
  SELECT t.tenant, r.accepted_on::text AS accepted_on, t.task_id, r.task_number, r.run
  FROM run_record r JOIN task t ON t.accepted_on = r.accepted_on AND t.id = r.task_number
  WHERE r.outcome = 'failed' AND r.output_ref IS NULL AND r.finished_at > now() - make_interval(secs => $1::float8 / 1000)
    AND (r.accepted_on, r.task_number, r.run) > ($3::date, $4::bigint, $5::integer)
    AND EXISTS (
      SELECT FROM answer a
      WHERE a.accepted_on = r.accepted_on AND a.task_number = r.task_number AND a.run <= r.run AND octet_length(a.body) >= $2::integer
    )
  ORDER BY r.accepted_on, r.task_number, r.run LIMIT $6`,
}

interface UnusedRow extends Row {
  tenant: string
  accepted_on: string
  task_id: string
  task_number: number
  run: number
}

export class PostgresUnusedAnswers extends UnusedAnswers {
  constructor(private readonly pool: HotPool) {
    super()
  }

  async list({ withinMs, minBytes, after, limit }: UnusedAnswerQuery): Promise<UnusedAnswer[]> {
    const place = [after?.acceptedOn ?? '-infinity', after?.taskNumber ?? 0, after?.run ?? 0]
    const rows = await this.pool.run<UnusedRow>(LIST, [withinMs, minBytes, ...place, limit])
    return rows.map((row) => ({
      tenant: row.tenant,
      acceptedOn: row.accepted_on,
      taskId: row.task_id,
      taskNumber: row.task_number,
      run: row.run,
    }))
  }
}
