import { makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const STREAMS = 'sluice_streams'
export const ROUTE_STATE = 'sluice_route_breaker_state'
export const LIMIT_MET = 'sluice_stream_limit_met_total'
export const METER_VALUE = 'sluice_meter_value'
export const METER_LIMIT = 'sluice_meter_limit'
export const BLOCKED_LANES = 'sluice_admission_blocked_lanes'
export const BLOCKED_TASKS = 'sluice_admission_blocked_tasks'

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
  makeGaugeProvider({
    name: METER_VALUE,
    help: 'Limits of all replicas together, by gate: counts is free (what of a minute may still be taken now) or spent (of the day).',
    labelNames: ['gate', 'counts'],
  }),
  makeGaugeProvider({ name: METER_LIMIT, help: 'The limit of a meter, per minute or per day (UTC), by gate.', labelNames: ['gate'] }),
  makeGaugeProvider({
    name: BLOCKED_LANES,
    help: 'Lanes (provider, model and tenant) of all replicas with due tasks that a gate holds back now, by gate.',
    labelNames: ['gate'],
  }),
  makeGaugeProvider({
    name: BLOCKED_TASKS,
    help: 'Due tasks of all replicas that a gate holds back now, by gate; of a lane up to 10,000 are counted.',
    labelNames: ['gate'],
  }),
]
