import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Histogram } from 'prom-client'
import { TASK_STEPS } from '#libs/kernel'
import { HistogramFamily } from '#libs/metrics'
import { TaskEvents } from './task.events.js'
import { TASK_STEP, TASK_WAIT } from './task.metrics.js'

/** Shows where the time of a dispatch goes. */
@Injectable()
export class StepMeter {
  constructor(events: TaskEvents, @InjectMetric(TASK_STEP) step: Histogram<'step'>, @InjectMetric(TASK_WAIT) wait: Histogram<'reason'>) {
    const steps = new HistogramFamily(step, ['step'])
    const waits = new HistogramFamily(wait, ['reason'])
    events.on('settled', ({ context }) => {
      const { task, stepTimes } = context
      waits.of(task.deferralClass ?? 'turn').observe(task.waitedMs / 1_000)
      // 0: it did not come to this step.
      for (const name of TASK_STEPS) if (stepTimes[name] > 0) steps.of(name).observe(stepTimes[name] / 1_000)
    })
  }
}
