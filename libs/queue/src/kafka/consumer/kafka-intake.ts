import type { Clock } from '#libs/kernel'
import { makeFullJitterMs } from '#libs/resilience'
import type { QueueSettings } from '../../queue.settings.js'
import { waitMs } from '../wait-ms.js'
import type { IntakeSession } from './intake-session.js'
import type { KafkaStatus } from './kafka-status.js'
import type { QueueEvents } from './queue.events.js'
import { TaskIdRetentionError } from '../topics/retention.check.js'
import { StartRefusedError } from './start-positions.js'

/** A session that has lived for so long was a good one: the next failure is a first one again. */
const STEADY_MS = 5_000
const STALL_CHECK_MS = 1_000
const STOP_PATIENCE_MS = 1_000

export interface KafkaIntakeOptions {
  /** Resolves when the topics are there; rejects with an error that names the missing ones. */
  readonly prepare: () => Promise<void>
  readonly createSession: () => IntakeSession
  readonly stallTimeoutMs: number
  readonly retry: QueueSettings['retry']
  /** Called once, after which nothing more happens: going on would skip records or pay for a whole history. */
  readonly onRefused: (cause: Error) => void
  readonly status: KafkaStatus
  readonly events: QueueEvents
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Keeps one session with Kafka open for as long as the service runs.
 *
 * stopped -> connecting (`start`) -> joining -> ready (the session says so) -> connecting again, after a delay with jitter, when the
 *   session ended or has been silent for longer than `stallTimeoutMs`
 * any -> draining -> stopped (`stop`, idempotent)
 * connecting -> stopped, and `onRefused`, when the start is refused.
 */
export class KafkaIntake {
  private session: IntakeSession | undefined
  private loop: Promise<void> | undefined
  private readonly stopping = new AbortController()

  constructor(private readonly options: KafkaIntakeOptions) {}

  start(): void {
    this.loop ??= this.run()
  }

  async stop(): Promise<void> {
    if (!this.stopping.signal.aborted) {
      this.options.status.update({ state: 'draining' })
      this.stopping.abort()
    }
    await this.session?.close()
    // A request to a broker that does not answer is not worth waiting for.
    const patience = new AbortController()
    await Promise.race([this.loop, waitMs(STOP_PATIENCE_MS, patience.signal)])
    patience.abort()
    this.options.status.update({ state: 'stopped', assignments: [] })
  }

  private async run(): Promise<void> {
    for (let attempt = 1; !this.stopping.signal.aborted; attempt++) {
      const startedAt = this.options.clock.monotonicMs()
      const cause = await this.runSession()
      if (this.stopping.signal.aborted) return
      if (cause instanceof StartRefusedError || cause instanceof TaskIdRetentionError) {
        this.options.status.update({ state: 'stopped', lastError: cause })
        this.options.onRefused(cause)
        return
      }
      if (this.options.clock.monotonicMs() - startedAt > STEADY_MS) attempt = 1
      await this.pause(cause, attempt)
    }
  }

  /** Runs one session to its end and tells why it ended. */
  private async runSession(): Promise<Error> {
    const { status, prepare, createSession } = this.options
    status.update({ state: 'connecting', assignments: [] })
    try {
      await prepare()
      if (this.stopping.signal.aborted) return new Error('stopped')
      this.session = createSession()
      const { session } = this
      status.watchFetches(session)
      await session.open()
      return await this.watch(session)
    } catch (error) {
      return error as Error
    } finally {
      await this.session?.close()
      this.session = undefined
    }
  }

  /** Waits for the end of a session, or for its silence. */
  private async watch(session: IntakeSession): Promise<Error> {
    const { stallTimeoutMs } = this.options
    const over = new AbortController()
    let cause: Error | undefined
    let told: ReadonlySet<number> = new Set()
    void session.ended.then((error) => {
      cause = error
      over.abort()
    })
    const signal = AbortSignal.any([over.signal, this.stopping.signal])
    while (!signal.aborted) {
      await waitMs(STALL_CHECK_MS, signal)
      const { silentMs, silentBrokers } = session
      for (const broker of silentBrokers) if (!told.has(broker)) this.options.events.emit('brokerSilent', { broker })
      told = new Set(silentBrokers)
      if (silentMs > stallTimeoutMs) cause ??= new Error(`Kafka has not answered for ${Math.round(silentMs)} ms`)
      if (cause !== undefined) return cause
    }
    return new Error('stopped')
  }

  private async pause(cause: Error, attempt: number): Promise<void> {
    const delayMs = makeFullJitterMs(attempt, this.options.retry, this.options.random)
    this.options.status.update({ state: 'connecting', assignments: [], lastError: cause })
    this.options.events.emit('reopening', { cause, attempt: attempt + 1, delayMs })
    await waitMs(delayMs, this.stopping.signal)
  }
}
