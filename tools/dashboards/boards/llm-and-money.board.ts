import type { Board } from '../panel.js'

export const llmAndMoney: Board = {
  uid: 'sluice-llm-and-money',
  title: 'Sluice: models and money',
  description: 'Calls to models: how they end, how long they take, what they cost, and what holds them back.',
  rows: [
    {
      title: 'Calls',
      panels: [
        {
          kind: 'timeseries',
          title: 'Calls by how they ended',
          description:
            'answered: paid for, and kept. refused: the provider said no. maybe_paid: broken off after it was sent. not_sent: nothing reached the provider.',
          unit: 'ops',
          stacked: true,
          queries: [{ expr: 'sum by (result) (rate(sluice_llm_calls_total{%}[$__rate_interval]))', legend: '{{result}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Calls that were not answered, by code',
          description:
            'What providers and the network say. llm_rate_limited is waited out, llm_auth_failed and llm_payment_required need a person.',
          unit: 'ops',
          queries: [
            {
              expr: 'sum by (provider, model, code) (rate(sluice_llm_calls_total{%,result!="answered"}[$__rate_interval]))',
              legend: '{{provider}} {{model}} {{code}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Response time',
          description: 'From the send to the end of the answer, of answered calls. A point is a trace.',
          unit: 's',
          exemplars: true,
          queries: [
            {
              expr: 'histogram_quantile(0.5, sum by (le, model) (rate(sluice_llm_call_duration_seconds_bucket{%,result="answered"}[$__rate_interval])))',
              legend: '{{model}} p50',
            },
            {
              expr: 'histogram_quantile(0.99, sum by (le, model) (rate(sluice_llm_call_duration_seconds_bucket{%,result="answered"}[$__rate_interval])))',
              legend: '{{model}} p99',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Time to first token',
          description: 'From the send to the first byte of the answer; of calls that stream, the first token.',
          unit: 's',
          exemplars: true,
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, model) (rate(sluice_llm_time_to_first_token_seconds_bucket{%}[$__rate_interval])))',
              legend: '{{model}} p95',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Repeated calls',
          description: 'Calls that were not the first attempt of their run: what errors and crashes cost in calls.',
          unit: 'ops',
          queries: [{ expr: 'sum by (model) (rate(sluice_llm_repeated_calls_total{%}[$__rate_interval]))', legend: '{{model}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Breakers of models',
          description: '0 closed, 1 half-open, 2 open. All replicas share them. While one is open its tasks wait and spend no attempt.',
          unit: 'none',
          mappings: { '0': 'closed', '1': 'half-open', '2': 'open' },
          queries: [{ expr: 'max by (provider, model) (sluice_route_breaker_state{%})', legend: '{{provider}} {{model}}' }],
        },
      ],
    },
    {
      title: 'Tokens and money',
      panels: [
        {
          kind: 'timeseries',
          title: 'Tokens',
          description: 'As the provider has counted them, a second. cached are those of the input that the provider did not read again.',
          unit: 'short',
          queries: [{ expr: 'sum by (model, kind) (rate(sluice_llm_tokens_total{%}[$__rate_interval]))', legend: '{{model}} {{kind}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Money, an hour',
          description: 'What answered calls cost at this rate, by the price list of LIMITS_FILE and in its currency.',
          unit: 'short',
          queries: [
            {
              expr: 'sum by (provider, model) (rate(sluice_llm_cost_total{%}[$__rate_interval])) * 3600',
              legend: '{{provider}} {{model}}',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Money per finished task, last hour',
          description: 'A jump after a change of a prompt or a model is the change.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum(increase(sluice_llm_cost_total{%}[1h])) / sum(increase(sluice_tasks_finished_total{%,outcome="succeeded"}[1h]))',
              legend: 'per task',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Tokens per finished task, last hour',
          description: 'Input and output together.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum(increase(sluice_llm_tokens_total{%,kind=~"input|output"}[1h])) / sum(increase(sluice_tasks_finished_total{%,outcome="succeeded"}[1h]))',
              legend: 'per task',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Calls that may have been paid for, last 24 hours',
          description:
            "Broken off after they were sent, or under way when a worker died. What to do is the task type's: retry, hold or fail.",
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum(increase(sluice_llm_calls_total{%,result="maybe_paid"}[24h])) + sum(increase(sluice_recovered_maybe_paid_total{%}[24h]))',
              legend: 'maybe paid',
            },
          ],
          thresholds: [
            { from: 0, color: 'green' },
            { from: 1, color: 'yellow' },
          ],
        },
      ],
    },
    {
      title: 'Limits',
      panels: [
        {
          kind: 'timeseries',
          title: 'Streams in use',
          description:
            'Share of the streams of a gate that is in use, over all replicas. At 1 with tasks waiting, the limit is what they wait for.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'sum by (gate) (sluice_streams{%,kind="in_use"}) / max by (gate) (sluice_streams{%,kind="limit"})',
              legend: '{{gate}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Refused as too many',
          description: 'Calls that the provider refused with 429: after each the limit of the gate is lowered for a while.',
          unit: 'ops',
          queries: [{ expr: 'sum by (gate) (rate(sluice_stream_limit_met_total{%}[$__rate_interval]))', legend: '{{gate}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Budgets of the day spent',
          description: 'Share of a budget that is spent since midnight UTC.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'max by (gate) (sluice_meter_value{%,counts="spent"}) / max by (gate) (sluice_meter_limit{%})',
              legend: '{{gate}}',
            },
          ],
          thresholds: [
            { from: 0, color: 'green' },
            { from: 0.8, color: 'yellow' },
            { from: 1, color: 'red' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Rates that are left',
          description: 'Share of the requests or tokens of a minute that may still be taken now.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'max by (gate) (sluice_meter_value{%,counts="free"}) / max by (gate) (sluice_meter_limit{%})',
              legend: '{{gate}}',
            },
          ],
        },
      ],
    },
  ],
}
