import type { Board } from '../panel.js'

export const kafkaAndLedger: Board = {
  uid: 'sluice-kafka-and-ledger',
  title: 'Sluice: Kafka and the ledger',
  description: 'The way of tasks into PostgreSQL and of results out of it.',
  rows: [
    {
      title: 'In',
      panels: [
        {
          kind: 'timeseries',
          title: 'Lag in records',
          description: 'Records that are in Kafka and not in the ledger.',
          unit: 'short',
          queries: [{ expr: 'sum by (topic) (sluice_kafka_lag_records{%})', legend: '{{topic}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Lag in seconds',
          description: 'How long the oldest of them has waited. It must stay far below the retention of the topic.',
          unit: 's',
          queries: [{ expr: 'max by (topic) (sluice_kafka_lag_seconds{%})', legend: '{{topic}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Records',
          description: 'What deliveries were taken for. duplicates come after a restart or a rebalance, and cost nothing.',
          unit: 'ops',
          queries: [{ expr: 'sum by (result) (rate(sluice_deliveries_total{%}[$__rate_interval]))', legend: '{{result}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Fetched',
          description: 'Bytes from the brokers, a second.',
          unit: 'Bps',
          queries: [{ expr: 'sum by (topic) (rate(sluice_kafka_fetched_bytes_total{%}[$__rate_interval]))', legend: '{{topic}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Intake',
          description: '1: tasks are taken in. 0: the ledger is full or away, or every route is closed; /health/details says which.',
          unit: 'none',
          queries: [{ expr: 'min by (instance) (sluice_intake_open{%})', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Partitions and commits',
          description: 'Partitions that replicas own, and commits a second. Failed commits are repeated with the next ones.',
          unit: 'short',
          queries: [
            { expr: 'sum(sluice_kafka_assigned_partitions{%})', legend: 'partitions' },
            { expr: 'sum by (result) (rate(sluice_kafka_commits_total{%}[$__rate_interval]))', legend: 'commits {{result}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Since the last fetch',
          description: 'A consumer that stands still while its partitions are there: the brokers do not answer.',
          unit: 's',
          queries: [{ expr: 'max by (instance) (sluice_kafka_fetch_age_seconds{%})', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Records that are no tasks',
          description: 'By error code; each has a dead letter with the reason.',
          unit: 'ops',
          queries: [{ expr: 'sum by (code) (rate(sluice_rejections_total{%}[$__rate_interval]))', legend: '{{code}}' }],
        },
      ],
    },
    {
      title: 'Ledger',
      panels: [
        {
          kind: 'timeseries',
          title: 'Tasks and their caps',
          description: 'At a cap intake pauses; Kafka keeps the rest.',
          unit: 'short',
          queries: [
            { expr: 'max by (state) (sluice_ledger_tasks{%})', legend: '{{state}}' },
            { expr: 'max by (state) (sluice_ledger_tasks_limit{%})', legend: '{{state}} cap' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Runs in the books',
          description: 'Counted in the transactions that open and end runs, since the ledger was made: nothing is missing after a crash.',
          unit: 'short',
          queries: [{ expr: 'max by (event) (sluice_ledger_runs{%})', legend: '{{event}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Opened, and neither ended nor in hand',
          description: 'Must be 0 at every moment, by replica: anything else is a defect of the ledger. Report it.',
          unit: 'short',
          queries: [
            {
              expr: 'sum by (instance) (sluice_ledger_runs{%,event=~"accepted|redriven"}) - sum by (instance) (sluice_ledger_runs{%,event=~"succeeded|failed|cancelled|expired"}) - sum by (instance) (sluice_ledger_tasks{%})',
              legend: '{{instance}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Bytes of pending tasks',
          description: 'Of their messages.',
          unit: 'bytes',
          queries: [{ expr: 'max(sluice_ledger_bytes{%})', legend: 'pending' }],
        },
        {
          kind: 'timeseries',
          title: 'Statements',
          description: 'p99 by statement; many tasks share one.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.99, sum by (le, statement) (rate(sluice_db_statement_duration_seconds_bucket{%}[$__rate_interval])))',
              legend: '{{statement}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Connections of the pool',
          description: 'busy at the size with statements waiting: the pool is too small, or PostgreSQL is slow.',
          unit: 'short',
          queries: [
            { expr: 'sum by (state) (sluice_db_pool_connections{%})', legend: '{{state}}' },
            { expr: 'sum(sluice_db_pool_size{%})', legend: 'size' },
            { expr: 'sum(sluice_db_pool_waiting{%})', legend: 'statements waiting' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Answers that are not safe yet',
          description: 'Received and paid for, and not yet in PostgreSQL. Those on disk survive the process.',
          unit: 'short',
          queries: [
            { expr: 'sum(sluice_answers_waiting{%})', legend: 'waiting' },
            { expr: 'sum(sluice_answers_spooled{%})', legend: 'on disk as well' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Recovered from dead workers',
          description: 'Tasks that a replica has freed because their worker died, and calls of those that may have been paid for.',
          unit: 'short',
          queries: [
            { expr: 'sum(increase(sluice_recovered_tasks_total{%}[$__rate_interval]))', legend: 'tasks' },
            { expr: 'sum(increase(sluice_recovered_maybe_paid_total{%}[$__rate_interval]))', legend: 'maybe paid' },
          ],
        },
      ],
    },
    {
      title: 'Out',
      panels: [
        {
          kind: 'timeseries',
          title: 'Results and dead letters that wait for Kafka',
          description: 'Rows of the outbox, over all replicas. They leave in a moment unless Kafka is away.',
          unit: 'short',
          queries: [{ expr: 'max(sluice_outbox_messages{%})', legend: 'messages' }],
        },
        {
          kind: 'timeseries',
          title: 'Age of the oldest of them',
          description: 'A few seconds is normal after a broker restart; more means that Kafka does not take them.',
          unit: 's',
          queries: [{ expr: 'max(sluice_outbox_oldest_seconds{%})', legend: 'oldest' }],
        },
        {
          kind: 'timeseries',
          title: 'Produced',
          description: 'Messages that all in-sync replicas of Kafka have, by topic.',
          unit: 'ops',
          queries: [{ expr: 'sum by (topic) (rate(sluice_kafka_produced_total{%}[$__rate_interval]))', legend: '{{topic}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Produced bytes',
          description: 'Of their values.',
          unit: 'Bps',
          queries: [{ expr: 'sum by (topic) (rate(sluice_kafka_produced_bytes_total{%}[$__rate_interval]))', legend: '{{topic}}' }],
        },
      ],
    },
  ],
}
