import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter } from 'prom-client'
import { QueueEvents } from './consumer/queue.events.js'
import { COMMITS, FETCHED, FETCHED_BYTES, PRODUCED, PRODUCED_BYTES } from './kafka.metrics.js'

/** Counts what goes in and out. Topics come from settings, so they are few. */
@Injectable()
export class KafkaMeter {
  constructor(
    events: QueueEvents,
    @InjectMetric(FETCHED) fetched: Counter<'topic'>,
    @InjectMetric(FETCHED_BYTES) fetchedBytes: Counter<'topic'>,
    @InjectMetric(COMMITS) commits: Counter<'result'>,
    @InjectMetric(PRODUCED) produced: Counter<'topic'>,
    @InjectMetric(PRODUCED_BYTES) producedBytes: Counter<'topic'>,
  ) {
    // A series that begins with its first event shows no increase at it.
    for (const result of ['ok', 'failed']) commits.inc({ result }, 0)
    events.on('fetched', ({ topic, records, sizeBytes }) => {
      fetched.inc({ topic }, records)
      fetchedBytes.inc({ topic }, sizeBytes)
    })
    events.on('committed', () => commits.inc({ result: 'ok' }))
    events.on('commitFailed', () => commits.inc({ result: 'failed' }))
    events.on('produced', ({ topics }) => {
      for (const [topic, { records, sizeBytes }] of topics) {
        produced.inc({ topic }, records)
        producedBytes.inc({ topic }, sizeBytes)
      }
    })
  }
}
