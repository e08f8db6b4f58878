import { makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const PORT_RETRIES = 'sluice_port_retries_total'
export const PORT_GIVE_UPS = 'sluice_port_give_ups_total'
export const BREAKER_STATE = 'sluice_breaker_state'

export const resilienceMetrics = [
  makeCounterProvider({ name: PORT_RETRIES, help: 'Quick retries of calls, by port (postgres, kafka, s3).', labelNames: ['port'] }),
  makeCounterProvider({
    name: PORT_GIVE_UPS,
    help: 'Calls that failed after their quick retries or their time limit, by port. Their owners try again later.',
    labelNames: ['port'],
  }),
  makeGaugeProvider({ name: BREAKER_STATE, help: 'Circuit breakers, by port: 0 closed, 1 half-open, 2 open.', labelNames: ['port'] }),
]
