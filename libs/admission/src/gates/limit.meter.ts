import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'
import { BLOCKED_LANES, BLOCKED_TASKS, METER_LIMIT, METER_VALUE } from '../admission.metrics.js'
import { LimitWatch } from './limit.watch.js'

/**
 * Shows how limits stand, and what they hold back, when the metrics are read. Its labels are gates: credentials, and the models and tenants
 * of LIMITS_FILE; a breaker's is a route.
 */
@Injectable()
export class LimitMeter {
  constructor(
    watch: LimitWatch,
    @InjectMetric(METER_VALUE) value: Gauge<'gate' | 'counts'>,
    @InjectMetric(METER_LIMIT) limit: Gauge<'gate'>,
    @InjectMetric(BLOCKED_LANES) lanes: Gauge<'gate'>,
    @InjectMetric(BLOCKED_TASKS) tasks: Gauge<'gate'>,
  ) {
    // prom-client asks all metrics at the same time, so they share one look. What does not block any more must go.
    const show = async (gauge: Gauge, set: (view: Awaited<ReturnType<LimitWatch['look']>>) => void) => {
      const view = await watch.look()
      gauge.reset()
      set(view)
    }
    collectBefore(value, () =>
      show(value, ({ meters }) => meters.forEach(({ gate, counts, value: amount }) => value.set({ gate, counts }, amount))),
    )
    collectBefore(limit, () => show(limit, ({ meters }) => meters.forEach((meter) => limit.set({ gate: meter.gate }, meter.limit))))
    collectBefore(lanes, () => show(lanes, ({ blocked }) => blocked.forEach((found) => lanes.set({ gate: found.gate }, found.lanes))))
    collectBefore(tasks, () => show(tasks, ({ blocked }) => blocked.forEach((found) => tasks.set({ gate: found.gate }, found.tasks))))
  }
}

function collectBefore<T extends string>(gauge: Gauge<T>, collect: () => Promise<void>): void {
  Object.assign(gauge, { collect })
}
