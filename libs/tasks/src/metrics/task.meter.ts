import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Histogram } from 'prom-client'
import { Clock } from '#libs/kernel'
import { observeWithTrace } from '#libs/metrics'
import { TaskEvents, type SettledDispatch, type TakenDelivery } from './task.events.js'
import {
  DEAD_LETTERS,
  DELIVERIES,
  REJECTIONS,
  TASK_DURATION,
  TASKS_ACCEPTED,
  TASKS_DEFERRED,
  TASKS_FINISHED,
  TASKS_HELD,
} from './task.metrics.js'

const NO_CODE = 'none'

/** Counts what becomes of tasks. Task types come from files, so they are few. */
@Injectable()
export class TaskMeter {
  constructor(
    events: TaskEvents,
    private readonly clock: Clock,
    @InjectMetric(DELIVERIES) private readonly deliveries: Counter<'result'>,
    @InjectMetric(TASKS_ACCEPTED) private readonly accepted: Counter<'type'>,
    @InjectMetric(REJECTIONS) private readonly rejections: Counter<'code'>,
    @InjectMetric(TASKS_FINISHED) private readonly finished: Counter<'type' | 'outcome' | 'code'>,
    @InjectMetric(TASKS_DEFERRED) private readonly deferred: Counter<'type' | 'class' | 'code'>,
    @InjectMetric(TASKS_HELD) private readonly held: Counter<'type' | 'code'>,
    @InjectMetric(DEAD_LETTERS) private readonly deadLetters: Counter<'kind' | 'code'>,
    @InjectMetric(TASK_DURATION) private readonly duration: Histogram<'type' | 'outcome'>,
  ) {
    // A series that begins with its first event shows no increase at it.
    for (const result of ['accepted', 'duplicate', 'rejected']) deliveries.inc({ result }, 0)
    events.on('taken', (delivery) => this.countDelivery(delivery))
    events.on('settled', (dispatch) => this.countDispatch(dispatch))
  }

  private countDelivery(delivery: TakenDelivery): void {
    this.deliveries.inc({ result: delivery.result })
    if (delivery.result === 'accepted') this.accepted.inc({ type: delivery.type })
    if (delivery.result !== 'rejected') return
    this.rejections.inc({ code: delivery.code })
    this.deadLetters.inc({ kind: 'rejected', code: delivery.code })
  }

  private countDispatch({ context, outcome, code = NO_CODE as never, deferralClass = NO_CODE }: SettledDispatch): void {
    const { type } = context.task
    switch (outcome) {
      case 'gone':
        return
      case 'deferred':
        return this.deferred.inc({ type, class: deferralClass, code })
      case 'held':
        return this.held.inc({ type, code })
      case 'failed':
        this.deadLetters.inc({ kind: 'failed', code })
        return this.countEnd(context, outcome, code)
      case 'succeeded':
      case 'expired':
        return this.countEnd(context, outcome, code)
    }
  }

  private countEnd({ task, traceparent }: SettledDispatch['context'], outcome: string, code: string): void {
    this.finished.inc({ type: task.type, outcome, code })
    // PostgreSQL's clock and ours may differ by a little.
    const seconds = Math.max(0, this.clock.nowMs() - task.acceptedAtMs) / 1_000
    observeWithTrace(this.duration, { type: task.type, outcome }, { value: seconds, traceparent })
  }
}
