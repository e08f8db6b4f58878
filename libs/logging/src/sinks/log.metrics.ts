import { makeCounterProvider } from '@willsoto/nestjs-prometheus'

export const LOG_LINES_WRITTEN = 'sluice_log_lines_written_total'
export const LOG_LINES_DROPPED = 'sluice_log_lines_dropped_total'

export const logMetrics = [
  makeCounterProvider({ name: LOG_LINES_WRITTEN, help: 'Log lines that a sink has taken (stdout, file, postgres).', labelNames: ['sink'] }),
  makeCounterProvider({
    name: LOG_LINES_DROPPED,
    help: 'Log lines that were lost because their sink was too slow, refused them or has gone.',
    labelNames: ['sink'],
  }),
]
