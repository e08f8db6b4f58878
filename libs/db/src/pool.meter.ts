import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge, Histogram } from 'prom-client'
import { collectBefore, HistogramFamily } from '#libs/metrics'
import { HotPool } from './connection/hot-pool.js'
import { POOL_CONNECTIONS, POOL_SIZE, POOL_WAIT, POOL_WAITING, STATEMENT_DURATION } from './pool.metrics.js'

/** Shows how far the pool is used: a pool that is too small shows as waiting before it shows as anything else. */
@Injectable()
export class PoolMeter {
  constructor(
    pool: HotPool,
    @InjectMetric(POOL_CONNECTIONS) connections: Gauge<'state'>,
    @InjectMetric(POOL_WAITING) waiting: Gauge,
    @InjectMetric(POOL_SIZE) size: Gauge,
    @InjectMetric(POOL_WAIT) wait: Histogram,
    @InjectMetric(STATEMENT_DURATION) duration: Histogram<'statement' | 'result'>,
  ) {
    const statements = new HistogramFamily(duration, ['statement', 'result'])
    pool.onAcquire((waitMs) => wait.observe(waitMs / 1_000))
    pool.onStatement(({ statement, result, durationMs }) => statements.of(statement, result).observe(durationMs / 1_000))
    collectBefore(size, () => size.set(pool.use.size))
    collectBefore(connections, () => {
      const { total, idle } = pool.use
      connections.set({ state: 'idle' }, idle)
      connections.set({ state: 'busy' }, total - idle)
    })
    collectBefore(waiting, () => waiting.set(pool.use.waiting))
  }
}
