import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Gauge, Histogram } from 'prom-client'
import type { ErrorCode } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import { ResilienceEvents } from '#libs/resilience'
import type { S3Operation } from './s3/classify-s3-error.js'
import { STORAGE_BYTES, STORAGE_CLOCK_SKEW, STORAGE_DURATION, STORAGE_ORPHANS, STORAGE_RETRIES } from './storage.metrics.js'

/** Counts calls to the store. */
@Injectable()
export class StorageMeter {
  constructor(
    @InjectMetric(STORAGE_DURATION) private readonly duration: Histogram<'operation' | 'outcome'>,
    @InjectMetric(STORAGE_RETRIES) retries: Counter<'code'>,
    @InjectMetric(STORAGE_CLOCK_SKEW) private readonly clockSkew: Gauge,
    @InjectMetric(STORAGE_BYTES) private readonly bytes: Counter<'direction'>,
    @InjectMetric(STORAGE_ORPHANS) private readonly orphans: Counter,
    events: ResilienceEvents,
  ) {
    events.on('retried', ({ port, error }) => {
      if (port === 's3' && error instanceof TaskError) retries.inc({ code: error.code })
    })
  }

  /** Starts a call; the returned function ends it. */
  start(operation: S3Operation): (outcome: 'ok' | 'aborted' | ErrorCode) => void {
    const startedMs = performance.now()
    return (outcome) => this.duration.observe({ operation, outcome }, (performance.now() - startedMs) / 1_000)
  }

  countBytes(direction: 'read' | 'written', sizeBytes: number): void {
    this.bytes.inc({ direction }, sizeBytes)
  }

  countOrphan(): void {
    this.orphans.inc()
  }

  /** What the store's clock says, from the Date header of a response. */
  sawServerTime(date: string | undefined): void {
    const skewMs = Date.now() - Date.parse(date ?? '')
    if (!Number.isNaN(skewMs)) this.clockSkew.set(skewMs / 1_000)
  }
}
