import { IntakeGate, type IntakeState } from '#libs/kernel'
import type { HotPool, Statement } from '../connection/hot-pool.js'
import type { BookedEvent } from './booking.sql.js'
import { chooseSampleInterval } from './sample-interval.js'

const SAMPLE: Statement = {
  name: 'intake-sample',
  text: `
  SELECT count(*) FILTER (WHERE state = 'pending' AND run_at <= now()) AS pending,
         coalesce(sum(size_bytes) FILTER (WHERE state = 'pending'), 0)::bigint AS pending_bytes,
         count(*) FILTER (WHERE state = 'pending' AND run_at > now()) AS deferred,
         count(*) FILTER (WHERE state = 'running') AS running,
         count(*) FILTER (WHERE state = 'held') AS held,
         coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'pending' AND is_head AND run_at <= now())), 0)::float8 AS oldest_due_s,
         (SELECT coalesce(jsonb_object_agg(event, total), '{}') FROM (SELECT event, sum(amount) AS total FROM ledger_book GROUP BY event) b) AS books,
         (SELECT count(*) FROM outbox) AS outbox,
         (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox) AS outbox_oldest_s,
         (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000)::float8 AS cost_ms
  FROM task_queue`,
}

export interface IntakeCaps {
  readonly pendingTasks: number
  readonly pendingBytes: number
  readonly deferredTasks: number
  readonly runningTasks: number
}

/** Counts over all replicas. */
export interface QueueSample {
  readonly pending: number
  readonly pending_bytes: number
  readonly deferred: number
  readonly running: number
  readonly held: number
  /** In seconds, of a task that could be claimed; 0 where none is due. */
  readonly oldest_due_s: number
  /** How many runs were opened and how they ended, since the ledger was made: as of the same moment as the rest. */
  readonly books: Readonly<Partial<Record<BookedEvent, number>>>
  /** Messages that wait for Kafka, and the age of the oldest in seconds. */
  readonly outbox: number
  readonly outbox_oldest_s: number
  /** How long PostgreSQL has counted, without the way there and back. */
  readonly cost_ms: number
}

/**
 * Samples the queue each second and closes intake at its caps, and while PostgreSQL is away. Between two samples the caps may be passed by
 * what comes in meanwhile: they protect PostgreSQL, they are not a promise to anybody. A sample reads the whole queue, so a long queue is
 * sampled less often, down to every 10 s.
 *
 * open <-> closed, by each sample; a failed sample closes, and so does `close`, without waiting for one
 */
export class PostgresIntakeGate extends IntakeGate {
  state: IntakeState = { open: false, reason: 'the queue has not been sampled yet' }
  lastSample: QueueSample | undefined
  private readonly waiting = new Set<() => void>()
  private timer: NodeJS.Timeout | undefined
  private stopped = false

  constructor(
    private readonly pool: HotPool,
    private readonly caps: IntakeCaps,
  ) {
    super()
  }

  async start(): Promise<void> {
    if (this.stopped) return
    const costMs = await this.sample()
    if (!this.stopped) this.timer = setTimeout(() => void this.start(), chooseSampleInterval(costMs))
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  /** Until the next sample. */
  close(reason: string): void {
    this.state = { open: false, reason }
  }

  async whenOpen(signal: AbortSignal): Promise<void> {
    while (!this.state.open) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake)
          this.waiting.delete(wake)
          resolve()
        }
        this.waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    }
  }

  /** What it has cost PostgreSQL, in milliseconds. A failed one costs nothing: the next must not be late when PostgreSQL is back. */
  private async sample(): Promise<number> {
    let costMs = 0
    try {
      const [sample] = await this.pool.run<QueueSample & Record<string, unknown>>(SAMPLE, [])
      this.lastSample = sample!
      this.state = judge(sample!, this.caps)
      costMs = sample!.cost_ms
    } catch (error) {
      this.state = { open: false, reason: (error as Error).message }
    }
    if (this.state.open) for (const wake of this.waiting) wake()
    return costMs
  }
}

function judge(sample: QueueSample, caps: IntakeCaps): IntakeState {
  const gates = [
    ['pending tasks', sample.pending, caps.pendingTasks],
    ['bytes of pending tasks', sample.pending_bytes, caps.pendingBytes],
    ['deferred tasks', sample.deferred, caps.deferredTasks],
    ['running tasks', sample.running, caps.runningTasks],
  ] as const
  const closed = gates.find(([, value, cap]) => value >= cap)
  return closed ? { open: false, reason: `${closed[1]} ${closed[0]}, the cap is ${closed[2]}` } : { open: true }
}
