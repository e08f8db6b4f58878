import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Histogram } from 'prom-client'
import { Clock } from '#libs/kernel'
import { CounterFamily, HistogramFamily } from '#libs/metrics'
import { TaskEvents, type SettledDispatch } from './task.events.js'
import { TASK_DURATION, TASKS_DEFERRED, TASKS_FINISHED, TASKS_HELD } from './task.metrics.js'

const NONE = 'none'

/** Counts what becomes of dispatches. Task types come from files, so they are few. */
@Injectable()
export class TaskMeter {
  private readonly finished: CounterFamily<'type' | 'outcome' | 'code'>
  private readonly deferred: CounterFamily<'type' | 'class' | 'code'>
  private readonly held: CounterFamily<'type' | 'code'>
  private readonly duration: HistogramFamily<'type' | 'outcome'>

  constructor(
    events: TaskEvents,
    private readonly clock: Clock,
    @InjectMetric(TASKS_FINISHED) finished: Counter<'type' | 'outcome' | 'code'>,
    @InjectMetric(TASKS_DEFERRED) deferred: Counter<'type' | 'class' | 'code'>,
    @InjectMetric(TASKS_HELD) held: Counter<'type' | 'code'>,
    @InjectMetric(TASK_DURATION) duration: Histogram<'type' | 'outcome'>,
  ) {
    this.finished = new CounterFamily(finished, ['type', 'outcome', 'code'])
    this.deferred = new CounterFamily(deferred, ['type', 'class', 'code'])
    this.held = new CounterFamily(held, ['type', 'code'])
    this.duration = new HistogramFamily(duration, ['type', 'outcome'])
    events.on('settled', (dispatch) => this.count(dispatch))
  }

  private count({ context, outcome, code = NONE as never, deferralClass = NONE }: SettledDispatch): void {
    const { type } = context.task
    switch (outcome) {
      case 'gone':
        return
      case 'deferred':
        return this.deferred.of(type, deferralClass, code).inc()
      case 'held':
        return this.held.of(type, code).inc()
      case 'succeeded':
      case 'failed':
      case 'expired':
        return this.countEnd(context, outcome, code)
    }
  }

  private countEnd({ task, traceparent }: SettledDispatch['context'], outcome: string, code: string): void {
    this.finished.of(task.type, outcome, code).inc()
    // PostgreSQL's clock and ours may differ by a little.
    const seconds = Math.max(0, this.clock.nowMs() - task.acceptedAtMs) / 1_000
    this.duration.of(task.type, outcome).observeTraced(seconds, traceparent)
  }
}
