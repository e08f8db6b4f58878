import { makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const LAG_RECORDS = 'sluice_kafka_lag_records'
export const LAG_SECONDS = 'sluice_kafka_lag_seconds'
export const ASSIGNED = 'sluice_kafka_assigned_partitions'
export const FETCH_AGE = 'sluice_kafka_fetch_age_seconds'
export const PAUSED = 'sluice_kafka_paused'
export const FETCHED = 'sluice_kafka_records_fetched_total'
export const FETCHED_BYTES = 'sluice_kafka_fetched_bytes_total'
export const COMMITS = 'sluice_kafka_commits_total'
export const PRODUCED = 'sluice_kafka_produced_total'
export const PRODUCED_BYTES = 'sluice_kafka_produced_bytes_total'

export const kafkaMetrics = [
  makeGaugeProvider({
    name: LAG_RECORDS,
    help: 'Records of a partition of this replica that are in Kafka and not in the ledger.',
    labelNames: ['topic', 'partition'],
  }),
  makeGaugeProvider({
    name: LAG_SECONDS,
    help: 'How long the oldest record of a topic has waited that is in Kafka and not in the ledger, over the partitions of this replica; 0 where none waits.',
    labelNames: ['topic'],
  }),
  makeGaugeProvider({ name: ASSIGNED, help: 'Partitions that this replica owns.' }),
  makeGaugeProvider({
    name: FETCH_AGE,
    help: 'Time since a broker has last answered a fetch; 0 before the first and while nothing is fetched for want of partitions.',
  }),
  makeGaugeProvider({
    name: PAUSED,
    help: '1 while nothing new is taken from Kafka because the ledger is full or away, or every route is closed.',
  }),
  makeCounterProvider({
    name: FETCHED,
    help: 'Records that were fetched, by topic; those fetched again count again.',
    labelNames: ['topic'],
  }),
  makeCounterProvider({ name: FETCHED_BYTES, help: 'Bytes of the records that were fetched, by topic.', labelNames: ['topic'] }),
  makeCounterProvider({ name: COMMITS, help: 'Commits of offsets, by result (ok, failed).', labelNames: ['result'] }),
  makeCounterProvider({
    name: PRODUCED,
    help: 'Results and dead letters that all in-sync replicas have, by topic.',
    labelNames: ['topic'],
  }),
  makeCounterProvider({ name: PRODUCED_BYTES, help: 'Bytes of the values of those, by topic.', labelNames: ['topic'] }),
]
