import { makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus'

export const POOL_CONNECTIONS = 'sluice_db_pool_connections'
export const POOL_WAITING = 'sluice_db_pool_waiting'
export const POOL_SIZE = 'sluice_db_pool_size'
export const STATEMENT_DURATION = 'sluice_db_statement_duration_seconds'
export const POOL_WAIT = 'sluice_db_pool_wait_seconds'

export const poolMetrics = [
  makeGaugeProvider({ name: POOL_CONNECTIONS, help: 'Connections of the hot pool, by state (idle, busy).', labelNames: ['state'] }),
  makeGaugeProvider({ name: POOL_SIZE, help: 'Connections that the hot pool may have.' }),
  makeGaugeProvider({ name: POOL_WAITING, help: 'Statements that wait for a connection of the hot pool.' }),
  makeHistogramProvider({
    name: POOL_WAIT,
    help: 'How long a statement waited for a connection of the hot pool.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  }),
  makeHistogramProvider({
    name: STATEMENT_DURATION,
    help: 'How long a statement of the hot pool took on its connection, by its name; many tasks share one.',
    labelNames: ['statement', 'result'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 20],
  }),
]
