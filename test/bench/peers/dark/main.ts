import 'reflect-metadata'
import { Logger } from '@nestjs/common'
import { ContextInterceptor } from '#libs/logging'
import { TaskContext, type PipelineContext } from '#libs/kernel'
import { CounterFamily, HistogramFamily, MetricsInterceptor } from '#libs/metrics'
import { Counter, Gauge, Histogram } from 'prom-client'

/**
 * The service as it is shipped, with nothing left of what shows what it does: no metric is counted, no step is timed, no line is written or
 * even put together, no context is carried. Traces are off by default anyway; what is left of them is the traceparent that goes on.
 */
const nothing = () => undefined
const inert = { inc: nothing, set: nothing, observe: nothing, observeTraced: nothing, startTimer: () => nothing }

Object.assign(Counter.prototype, { inc: nothing, labels: () => inert })
Object.assign(Gauge.prototype, { set: nothing, inc: nothing, dec: nothing, labels: () => inert })
Object.assign(Histogram.prototype, { observe: nothing, observeWithExemplar: nothing, observeWithoutExemplar: nothing, labels: () => inert })

const goOn = (_context: PipelineContext, next: () => Promise<unknown>) => next()
Object.assign(ContextInterceptor.prototype, { around: goOn })
Object.assign(MetricsInterceptor.prototype, { around: goOn })
Object.assign(TaskContext.prototype, { enter: nothing })
Object.assign(CounterFamily.prototype, { of: () => inert })
Object.assign(HistogramFamily.prototype, { of: () => inert })
Object.assign(Logger.prototype, { verbose: nothing, debug: nothing, log: nothing, warn: nothing, error: nothing })

await import('../../../../apps/worker/src/main.js')
