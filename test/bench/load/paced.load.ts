import { setTimeout as delay } from 'node:timers/promises'
import { TaskProducer } from '#tools/rig'
import { makeBenchTask, type BenchTaskRules } from './bench.task.js'

const TICK_MS = 5
/** Above this the broker does not keep up, and what is measured would be the producer. */
const MAX_REQUESTS_IN_FLIGHT = 20

/**
 * Produces tasks at a steady rate, whatever becomes of them, and remembers when each was due: a task that goes out late because this
 * process was late is measured from its due time, or the slow moments would be the ones that are left out (coordinated omission).
 */
export class PacedLoad {
  /** By task number, milliseconds since 1970. */
  readonly dueAtMs: number[] = []
  private readonly producer: TaskProducer
  private inFlight = 0
  private failure: unknown

  constructor(
    brokers: readonly string[],
    private readonly rules: BenchTaskRules,
  ) {
    this.producer = new TaskProducer(brokers)
  }

  /** One task before all others: its result tells that the worker has started. */
  async sendFirst(): Promise<void> {
    this.dueAtMs.push(Date.now())
    await this.producer.send([makeBenchTask(0, this.rules)])
  }

  /** Resolves when the last task is acknowledged. */
  async run(perSecond: number, seconds: number): Promise<void> {
    const total = this.dueAtMs.length + Math.round(perSecond * seconds)
    const startMs = Date.now()
    while (this.dueAtMs.length < total && this.failure === undefined) {
      const due = Math.min(total, Math.floor(((Date.now() - startMs) / 1_000) * perSecond))
      if (due > this.dueAtMs.length && this.inFlight < MAX_REQUESTS_IN_FLIGHT) this.send(due, startMs, perSecond)
      await delay(TICK_MS)
    }
    while (this.inFlight > 0) await delay(TICK_MS)
    if (this.failure !== undefined) throw this.failure
  }

  async close(): Promise<void> {
    await this.producer.close()
  }

  private send(until: number, startMs: number, perSecond: number): void {
    const records: ReturnType<typeof makeBenchTask>[] = []
    for (let index = this.dueAtMs.length; index < until; index++) {
      records.push(makeBenchTask(index, this.rules))
      this.dueAtMs.push(startMs + (index / perSecond) * 1_000)
    }
    this.inFlight++
    this.producer.send(records).then(
      () => this.inFlight--,
      (error: unknown) => {
        this.inFlight--
        this.failure = error
      },
    )
  }
}
