import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'
import { HEALTH_STATUS, READY } from './health.metrics.js'
import { Readiness } from './readiness.js'

const STATUS = { up: 0, degraded: 1, down: 2 }

/** Asks as a probe does, when the metrics are read; each probe answers both from what it has just found. */
@Injectable()
export class HealthMeter {
  constructor(readiness: Readiness, @InjectMetric(READY) ready: Gauge, @InjectMetric(HEALTH_STATUS) status: Gauge<'name'>) {
    // prom-client calls `collect` of a metric when it is scraped; it is given at construction, which is Nest's here.
    Object.assign(ready, { collect: async () => ready.set((await readiness.summary()).isReady ? 1 : 0) })
    Object.assign(status, {
      collect: async () => {
        const { states } = await readiness.summary()
        for (const [name, state] of states) status.set({ name }, STATUS[state])
      },
    })
  }
}
