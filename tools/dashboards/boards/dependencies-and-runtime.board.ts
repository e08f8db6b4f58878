import type { Board } from '../panel.js'

export const dependenciesAndRuntime: Board = {
  uid: 'sluice-dependencies-and-runtime',
  title: 'Sluice: dependencies and runtime',
  description: 'PostgreSQL, Kafka, S3 and the trace store as the service sees them, and the process itself.',
  rows: [
    {
      title: 'Dependencies',
      panels: [
        {
          kind: 'timeseries',
          title: 'Breakers of ports',
          description: '0 closed, 1 half-open, 2 open: while one is open, calls fail at once and work is put off.',
          unit: 'none',
          mappings: { '0': 'closed', '1': 'half-open', '2': 'open' },
          queries: [{ expr: 'max by (port) (sluice_breaker_state{%})', legend: '{{port}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Quick retries and given up',
          description: 'Retries inside of a call, and calls that failed in spite of them.',
          unit: 'ops',
          queries: [
            { expr: 'sum by (port) (rate(sluice_port_retries_total{%}[$__rate_interval]))', legend: '{{port}} retries' },
            { expr: 'sum by (port) (rate(sluice_port_give_ups_total{%}[$__rate_interval]))', legend: '{{port}} given up' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Calls to S3',
          description: 'p95 with retries, by operation.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, operation) (rate(sluice_storage_duration_seconds_bucket{%}[$__rate_interval])))',
              legend: '{{operation}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Bytes of files and answers',
          description: 'Read from and written to S3.',
          unit: 'Bps',
          queries: [{ expr: 'sum by (direction) (rate(sluice_storage_bytes_total{%}[$__rate_interval]))', legend: '{{direction}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Clock against S3',
          description: 'How far the clock of a replica is ahead of that of S3, which refuses requests above 900 s.',
          unit: 's',
          queries: [{ expr: 'max by (instance) (abs(sluice_storage_clock_skew_seconds{%}))', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Waiting for a connection of PostgreSQL',
          description: 'p99 of the time that a statement waited for a connection of the pool.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.99, sum by (le) (rate(sluice_db_pool_wait_seconds_bucket{%}[$__rate_interval])))',
              legend: 'p99',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Log lines and spans that were lost',
          description: 'Lines that a sink did not take, and spans that the trace store refused. No task waits for either.',
          unit: 'ops',
          queries: [
            { expr: 'sum by (sink) (rate(sluice_log_lines_dropped_total{%}[$__rate_interval]))', legend: 'lines {{sink}}' },
            { expr: 'sum by (sink) (rate(sluice_log_lines_written_total{%}[$__rate_interval]))', legend: 'written {{sink}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Certificates end in',
          description: 'Of those that the settings name. Replace them two weeks before.',
          unit: 's',
          queries: [{ expr: 'min by (target) (sluice_certificate_expiry_timestamp_seconds{%}) - time()', legend: '{{target}}' }],
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          kind: 'timeseries',
          title: 'CPU',
          description: 'Cores in use. One process uses one core and a little more.',
          unit: 'short',
          queries: [{ expr: 'sum by (instance) (rate(process_cpu_seconds_total{%}[$__rate_interval]))', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Memory',
          description: 'Of the process, and the heap that is in use.',
          unit: 'bytes',
          queries: [
            { expr: 'sum by (instance) (process_resident_memory_bytes{%})', legend: '{{instance}}' },
            { expr: 'sum by (instance) (nodejs_heap_size_used_bytes{%})', legend: '{{instance}} heap' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Event loop delay',
          description: 'p99 of how late the event loop is. Above 0.1 s everything of that replica is late, heartbeats too.',
          unit: 's',
          queries: [{ expr: 'max by (instance) (nodejs_eventloop_lag_p99_seconds{%})', legend: '{{instance}}' }],
          thresholds: [
            { from: 0, color: 'green' },
            { from: 0.1, color: 'red' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Garbage collection',
          description: 'Share of the time that goes into it, by kind.',
          unit: 'percentunit',
          queries: [{ expr: 'sum by (kind) (rate(nodejs_gc_duration_seconds_sum{%}[$__rate_interval]))', legend: '{{kind}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Dispatches',
          description: 'Of the pipeline, by transport and outcome.',
          unit: 'ops',
          queries: [
            {
              expr: 'sum by (transport, outcome) (rate(sluice_pipeline_duration_seconds_count{%}[$__rate_interval]))',
              legend: '{{transport}} {{outcome}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Open files',
          description: 'Sockets and files of the process, and how many it may have.',
          unit: 'short',
          queries: [
            { expr: 'max by (instance) (process_open_fds{%})', legend: '{{instance}}' },
            { expr: 'min(process_max_fds{%})', legend: 'limit' },
          ],
        },
        {
          kind: 'stat',
          title: 'Versions',
          description: 'Builds that run. Two of them for long: a rollout that stands still.',
          unit: 'none',
          width: 12,
          queries: [{ expr: 'sum by (version) (sluice_build_info{%})', legend: '{{version}}' }],
        },
        {
          kind: 'stat',
          title: 'Settings and schema',
          description: 'The versions that replicas run with.',
          unit: 'none',
          width: 12,
          queries: [
            { expr: 'max(sluice_settings_version{%})', legend: 'settings' },
            { expr: 'max(sluice_ledger_schema_version{%})', legend: 'schema' },
          ],
        },
      ],
    },
  ],
}
