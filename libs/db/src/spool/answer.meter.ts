import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'
import { collectBefore } from '#libs/metrics'
import { PostgresLedger } from '../ledger/postgres-ledger.js'
import { ANSWERS_SPOOLED, ANSWERS_SPOOLED_BYTES, ANSWERS_WAITING, ANSWERS_WAITING_BYTES } from './answer.metrics.js'
import { SpoolLifecycle } from './spool.lifecycle.js'

/** Shows the answers that were paid for and are not safe yet. */
@Injectable()
export class AnswerMeter {
  constructor(
    { waitingAnswers }: PostgresLedger,
    spool: SpoolLifecycle,
    @InjectMetric(ANSWERS_WAITING) waiting: Gauge,
    @InjectMetric(ANSWERS_WAITING_BYTES) waitingBytes: Gauge,
    @InjectMetric(ANSWERS_SPOOLED) spooled: Gauge,
    @InjectMetric(ANSWERS_SPOOLED_BYTES) spooledBytes: Gauge,
  ) {
    collectBefore(waiting, () => waiting.set(waitingAnswers.count))
    collectBefore(waitingBytes, () => waitingBytes.set(waitingAnswers.sizeBytes))
    collectBefore(spooled, () => spooled.set(spool.use.answers))
    collectBefore(spooledBytes, () => spooledBytes.set(spool.use.bytes))
  }
}
