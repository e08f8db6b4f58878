/** https://www.postgresql.org/docs/current/errcodes-appendix.html: data that PostgreSQL does not take, whoever offers it and however often. */
const DATA_EXCEPTION = /^22/

/** Replicas make tables and partitions one after the other. */
export const LOG_LOCK_ID = 7_238_002

export const TABLES = [
  `CREATE TABLE IF NOT EXISTS log_line (
     logged_at         timestamptz NOT NULL,
     level             text NOT NULL,
     service           text,
     version           text,
     settings_version  integer,
     trace_id          text,
     span_id           text,
     correlation_id    text,
     tenant            text,
     task_id           text,
     attempt           integer,
     context           text,
     message           text,
     line              jsonb NOT NULL
   ) PARTITION BY RANGE (logged_at)`,
  `CREATE INDEX IF NOT EXISTS log_line_task ON log_line (task_id, logged_at) WHERE task_id IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS log_line_trace ON log_line (trace_id, logged_at) WHERE trace_id IS NOT NULL`,
  // For lines whose day has no partition: a clock that is wrong must not cost them.
  `CREATE TABLE IF NOT EXISTS log_line_other PARTITION OF log_line DEFAULT`,
  // A batch whose commit nobody has heard of is offered again, and must not be there twice.
  `CREATE TABLE IF NOT EXISTS log_batch (id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
]

/** Columns come from the line itself, here: nothing is parsed in the process that logs. $1: the batch, $2: a JSON array of lines. */
export const INSERT = {
  name: 'log-insert',
  text: `
  WITH batch AS (INSERT INTO log_batch (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id)
  INSERT INTO log_line
  SELECT (l->>'timestamp')::timestamptz, l->>'level', l->>'service', l->>'version', (l->>'settings_version')::integer, l->>'trace_id', l->>'span_id',
         l->>'correlation_id', l->>'tenant', l->>'task_id', (l->>'attempt')::integer, l->>'context', l->>'message', l
  FROM jsonb_array_elements($2::jsonb) AS l
  WHERE EXISTS (SELECT 1 FROM batch)`,
}

export const FORGET_BATCHES = `DELETE FROM log_batch WHERE at < now() - interval '1 hour'`

/** Partitions by day: their names, oldest first. */
export const LIST_DAYS = `
  SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'log_line'::regclass AND c.relname ~ '^log_line_[0-9]{8}$' ORDER BY 1`

const DAY_MS = 86_400_000

/** log_line_20260102, which holds the second of January of UTC. */
export function makeDay(atMs: number): { readonly name: string; readonly create: string } {
  const [from, to] = [atMs, atMs + DAY_MS].map((ms) => new Date(ms).toISOString().slice(0, 10)) as [string, string]
  const name = `log_line_${from.replaceAll('-', '')}`
  return {
    name,
    create: `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF log_line FOR VALUES FROM ('${from}T00:00:00Z') TO ('${to}T00:00:00Z')`,
  }
}

/** The days for which there should be a partition now, and the first one that is kept. */
export function planDays(nowMs: number, retentionDays: number): { readonly wanted: readonly number[]; readonly oldest: string } {
  return { wanted: [-1, 0, 1, 2, 3].map((days) => nowMs + days * DAY_MS), oldest: makeDay(nowMs - retentionDays * DAY_MS).name }
}

export function isDataError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && DATA_EXCEPTION.test(code)
}
