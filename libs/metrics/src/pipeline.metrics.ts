import { makeCounterProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus'

export const PIPELINE_DURATION = 'sluice_pipeline_duration_seconds'
export const PIPELINE_ERRORS = 'sluice_pipeline_errors_total'

/** From a message that is stored in a millisecond to a call that takes two minutes. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150]

export const pipelineMetrics = [
  makeHistogramProvider({
    name: PIPELINE_DURATION,
    help: 'Time that one dispatch took in the pipeline, by transport, task type and outcome.',
    labelNames: ['transport', 'type', 'outcome'],
    buckets: BUCKETS_SECONDS,
  }),
  makeCounterProvider({
    name: PIPELINE_ERRORS,
    help: 'Errors that dispatches ended with, by transport, task type and error code.',
    labelNames: ['transport', 'type', 'code'],
  }),
]
