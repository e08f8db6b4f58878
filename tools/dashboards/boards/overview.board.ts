import type { Board } from '../panel.js'

export const overview: Board = {
  uid: 'sluice-overview',
  title: 'Sluice: overview',
  description: 'Look here first: is work coming in, is it going out, and if not, what does it wait for?',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          kind: 'stat',
          title: 'Replicas ready',
          description:
            'Replicas that may get work. Fewer than were deployed: look at "Dependencies" below, or at /health/ready of the missing one.',
          unit: 'none',
          queries: [{ expr: 'sum(sluice_ready{%})', legend: 'ready' }],
          thresholds: [
            { from: 0, color: 'red' },
            { from: 1, color: 'green' },
          ],
        },
        {
          kind: 'stat',
          title: 'Tasks in hand',
          description:
            'Tasks that were accepted and have not ended, over all replicas. What was accepted and redriven is finished or in here.',
          unit: 'short',
          queries: [{ expr: 'sum(max by (state) (sluice_ledger_tasks{%}))', legend: 'in hand' }],
        },
        {
          kind: 'stat',
          title: 'Oldest due task',
          description:
            'How long the task waits that could have run for longest. It grows while tasks come faster than limits let them go, or while a dependency is away.',
          unit: 's',
          queries: [{ expr: 'max(sluice_ledger_oldest_due_seconds{%})', legend: 'oldest' }],
          thresholds: [
            { from: 0, color: 'green' },
            { from: 300, color: 'yellow' },
            { from: 1_800, color: 'red' },
          ],
        },
        {
          kind: 'stat',
          title: 'Kafka lag',
          description: 'How long the oldest record has waited that is in Kafka and not yet in the ledger. It grows while intake is paused.',
          unit: 's',
          queries: [{ expr: 'max(sluice_kafka_lag_seconds{%})', legend: 'lag' }],
          thresholds: [
            { from: 0, color: 'green' },
            { from: 60, color: 'yellow' },
            { from: 600, color: 'red' },
          ],
        },
        {
          kind: 'stat',
          title: 'Failed of all, last hour',
          description:
            'Share of the runs that ended as failed. Each has a dead letter: sluice dead-letters list groups them by what is repaired together.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'sum(increase(sluice_tasks_finished_total{%,outcome="failed"}[1h])) / sum(increase(sluice_tasks_finished_total{%}[1h]))',
              legend: 'failed',
            },
          ],
          thresholds: [
            { from: 0, color: 'green' },
            { from: 0.02, color: 'yellow' },
            { from: 0.1, color: 'red' },
          ],
        },
        {
          kind: 'stat',
          title: 'Spent, last 24 hours',
          description: 'Money that answered calls have cost, by the price list of LIMITS_FILE and in its currency.',
          unit: 'short',
          queries: [{ expr: 'sum(increase(sluice_llm_cost_total{%}[24h]))', legend: 'spent' }],
        },
      ],
    },
    {
      title: 'Tasks',
      panels: [
        {
          kind: 'timeseries',
          title: 'In and out',
          description: 'Accepted and finished tasks a second. Where accepted stays above finished, tasks in hand grow.',
          unit: 'ops',
          queries: [
            { expr: 'sum(rate(sluice_tasks_accepted_total{%}[$__rate_interval]))', legend: 'accepted' },
            { expr: 'sum by (outcome) (rate(sluice_tasks_finished_total{%}[$__rate_interval]))', legend: '{{outcome}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'In hand by state',
          description:
            'pending: due, waiting for a stream or a limit. deferred: put off until later. running: a worker has them. held: a person must decide.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: 'max by (state) (sluice_ledger_tasks{%})', legend: '{{state}}' }],
        },
        {
          kind: 'timeseries',
          title: 'From accepted to ended',
          description: 'Quantiles of the whole life of tasks that ended. A point is a trace: click it.',
          unit: 's',
          exemplars: true,
          queries: [
            {
              expr: 'histogram_quantile(0.5, sum by (le) (rate(sluice_task_duration_seconds_bucket{%}[$__rate_interval])))',
              legend: 'p50',
            },
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(sluice_task_duration_seconds_bucket{%}[$__rate_interval])))',
              legend: 'p95',
            },
            {
              expr: 'histogram_quantile(0.99, sum by (le) (rate(sluice_task_duration_seconds_bucket{%}[$__rate_interval])))',
              legend: 'p99',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Where the time of a dispatch goes',
          description:
            'Mean time of each step. admit is waiting for a stream, call is the model, record and store are PostgreSQL, judge is the schema and a large answer to S3.',
          unit: 's',
          stacked: true,
          queries: [
            {
              expr: 'sum by (step) (rate(sluice_task_step_duration_seconds_sum{%}[$__rate_interval])) / sum by (step) (rate(sluice_task_step_duration_seconds_count{%}[$__rate_interval]))',
              legend: '{{step}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Why tasks wait and fail',
      panels: [
        {
          kind: 'timeseries',
          title: 'Held back by gates',
          description:
            'Due tasks that a gate holds back just now: streams, rates, budgets, breakers. sluice tasks why ID says the same of one task.',
          unit: 'short',
          queries: [
            {
              expr: 'max by (gate) (sluice_admission_blocked_tasks{%})',
              legend: '{{gate}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Put off, by what they wait for',
          description: 'Deferrals a second. rate_limited and provider_down wait for the provider, ledger_down and storage_down for us.',
          unit: 'ops',
          queries: [{ expr: 'sum by (class) (rate(sluice_tasks_deferred_total{%}[$__rate_interval]))', legend: '{{class}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Waiting before a dispatch',
          description: 'p95 of the time from due to claimed, by what the task had waited for before; turn is nothing but its turn.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, reason) (rate(sluice_task_wait_seconds_bucket{%}[$__rate_interval])))',
              legend: '{{reason}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Dead letters',
          description: 'rejected: records that are no tasks. failed: runs that ended as failed. By error code.',
          unit: 'ops',
          queries: [{ expr: 'sum by (kind, code) (rate(sluice_dead_letters_total{%}[$__rate_interval]))', legend: '{{kind}} {{code}}' }],
        },
      ],
    },
    {
      title: 'Dependencies',
      panels: [
        {
          kind: 'timeseries',
          title: 'Health',
          description:
            '0 up, 1 degraded, 2 down; the worst of all replicas. postgres, kafka and schema make a replica unready, llm and s3 do not.',
          unit: 'none',
          mappings: { '0': 'up', '1': 'degraded', '2': 'down' },
          queries: [{ expr: 'max by (name) (sluice_health_status{%})', legend: '{{name}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Streams',
          description: 'Calls in flight, and how many all replicas together may have.',
          unit: 'short',
          queries: [
            { expr: 'sum by (gate) (sluice_streams{%,kind="in_use"})', legend: '{{gate}} in use' },
            { expr: 'max by (gate) (sluice_streams{%,kind="limit"})', legend: '{{gate}} limit' },
          ],
        },
      ],
    },
  ],
}
