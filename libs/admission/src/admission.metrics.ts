import { makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const STREAMS = 'sluice_streams'
export const ROUTE_STATE = 'sluice_route_breaker_state'
export const LIMIT_MET = 'sluice_stream_limit_met_total'

export const admissionMetrics = [
  makeGaugeProvider({
    name: STREAMS,
    help: 'Streams by gate: in_use and granted are of this replica, limit is of all replicas together.',
    labelNames: ['gate', 'kind'],
  }),
  makeGaugeProvider({
    name: ROUTE_STATE,
    help: 'The breaker that all replicas share, by provider and model: 0 closed, 1 half-open, 2 open.',
    labelNames: ['provider', 'model'],
  }),
  makeCounterProvider({
    name: LIMIT_MET,
    help: 'Calls that the provider refused because there were too many, by gate.',
    labelNames: ['gate'],
  }),
]
