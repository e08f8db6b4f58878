import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Histogram } from 'prom-client'
import { TASK_STEPS, type TaskStep } from '#libs/kernel'
import { TaskEvents } from './task.events.js'
import { TASK_STEP, TASK_WAIT } from './task.metrics.js'

/** Shows where the time of a dispatch goes. Labels are resolved once: several values come of each task. */
@Injectable()
export class StepMeter {
  private readonly steps: ReadonlyMap<TaskStep, Histogram.Internal<'step'>>
  private readonly waits = new Map<string, Histogram.Internal<'reason'>>()

  constructor(
    events: TaskEvents,
    @InjectMetric(TASK_STEP) step: Histogram<'step'>,
    @InjectMetric(TASK_WAIT) private readonly wait: Histogram<'reason'>,
  ) {
    this.steps = new Map(TASK_STEPS.map((name) => [name, step.labels({ step: name })]))
    events.on('settled', ({ context }) => {
      this.observeWait(context.task.deferralClass ?? 'turn', context.task.waitedMs / 1_000)
      for (const [name, ms] of context.stepTimes) this.steps.get(name)!.observe(ms / 1_000)
    })
  }

  private observeWait(reason: string, seconds: number): void {
    let wait = this.waits.get(reason)
    if (wait === undefined) this.waits.set(reason, (wait = this.wait.labels({ reason })))
    wait.observe(seconds)
  }
}
