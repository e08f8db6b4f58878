import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter } from 'prom-client'
import { LogOutput } from './log-output.js'
import { LOG_LINES_DROPPED, LOG_LINES_WRITTEN } from './log.metrics.js'
import type { LogSink } from './log-sink.js'

/** Shows what the sinks have counted, when the metrics are read. */
@Injectable()
export class LogMeter {
  constructor(
    { sinks }: LogOutput,
    @InjectMetric(LOG_LINES_WRITTEN) written: Counter<'sink'>,
    @InjectMetric(LOG_LINES_DROPPED) dropped: Counter<'sink'>,
  ) {
    follow(written, sinks, (sink) => sink.written)
    follow(dropped, sinks, (sink) => sink.dropped)
  }
}

/** prom-client calls `collect` of a metric when it is scraped; it is given at construction, which is Nest's here. */
function follow(counter: Counter<'sink'>, sinks: readonly LogSink[], read: (sink: LogSink) => number): void {
  const told = new Map<LogSink, number>()
  Object.assign(counter, {
    collect: () => {
      for (const sink of sinks) {
        const count = read(sink)
        // What is on its way to stdout counts as written until it is lost.
        counter.inc({ sink: sink.name }, Math.max(0, count - (told.get(sink) ?? 0)))
        told.set(sink, Math.max(count, told.get(sink) ?? 0))
      }
    },
  })
}
