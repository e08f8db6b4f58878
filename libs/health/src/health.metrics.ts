import { makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const READY = 'sluice_ready'
export const HEALTH_STATUS = 'sluice_health_status'

export const healthMetrics = [
  makeGaugeProvider({
    name: READY,
    help: '1 while this replica is ready: it runs, is not draining, and nothing that it cannot do without is down.',
  }),
  makeGaugeProvider({
    name: HEALTH_STATUS,
    help: 'What this replica depends on, by name: 0 up, 1 degraded, 2 down.',
    labelNames: ['name'],
  }),
]
