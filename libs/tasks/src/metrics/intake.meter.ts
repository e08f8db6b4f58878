import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter } from 'prom-client'
import { CounterFamily } from '#libs/metrics'
import { TaskEvents } from './task.events.js'
import { DEAD_LETTERS, DELIVERIES, REJECTIONS, TASKS_ACCEPTED } from './task.metrics.js'

/** Counts what deliveries are taken for, and dead letters of both kinds. */
@Injectable()
export class IntakeMeter {
  constructor(
    events: TaskEvents,
    @InjectMetric(DELIVERIES) deliveries: Counter<'result'>,
    @InjectMetric(TASKS_ACCEPTED) accepted: Counter<'type'>,
    @InjectMetric(REJECTIONS) private readonly rejections: Counter<'code'>,
    @InjectMetric(DEAD_LETTERS) private readonly deadLetters: Counter<'kind' | 'code'>,
  ) {
    const results = new CounterFamily(deliveries, ['result'])
    const types = new CounterFamily(accepted, ['type'])
    // A series that begins with its first event shows no increase at it.
    for (const result of ['accepted', 'duplicate', 'rejected']) results.of(result)
    events.on('taken', (delivery) => {
      results.of(delivery.result).inc()
      if (delivery.result === 'accepted') types.of(delivery.type).inc()
      else if (delivery.result === 'rejected') this.countRejection(delivery.code)
    })
    events.on('settled', ({ outcome, code }) => {
      if (outcome === 'failed' && code !== undefined) this.deadLetters.inc({ kind: 'failed', code })
    })
  }

  private countRejection(code: string): void {
    this.rejections.inc({ code })
    this.deadLetters.inc({ kind: 'rejected', code })
  }
}
