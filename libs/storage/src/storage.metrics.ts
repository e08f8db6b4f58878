import { makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus'

export const STORAGE_DURATION = 'sluice_storage_duration_seconds'
export const STORAGE_RETRIES = 'sluice_storage_retries_total'
export const STORAGE_BYTES = 'sluice_storage_bytes_total'
export const STORAGE_ORPHANS = 'sluice_storage_orphans_removed_total'
export const STORAGE_CLOCK_SKEW = 'sluice_storage_clock_skew_seconds'

export const storageMetrics = [
  makeHistogramProvider({
    name: STORAGE_DURATION,
    help: 'Time of a call to object storage with its retries, by operation and outcome (ok, aborted, or an error code).',
    labelNames: ['operation', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  }),
  makeCounterProvider({
    name: STORAGE_RETRIES,
    help: 'Quick retries of calls to object storage, by the error code that caused them.',
    labelNames: ['code'],
  }),
  makeCounterProvider({
    name: STORAGE_BYTES,
    help: 'Bytes of files and answers, by direction (read, written).',
    labelNames: ['direction'],
  }),
  makeCounterProvider({
    name: STORAGE_ORPHANS,
    help: 'Objects of answers that were removed because no result names them: their workers died or lost the task, and the run failed later.',
  }),
  makeGaugeProvider({
    name: STORAGE_CLOCK_SKEW,
    help: 'How far the clock of this machine is ahead of the one of object storage, to the second. S3 refuses requests above 900.',
  }),
]
