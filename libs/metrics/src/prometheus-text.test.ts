import { describe, expect, it } from 'vitest'
import { makePrometheusText } from './prometheus-text.js'

describe(makePrometheusText.name, () => {
  it('leaves out exemplars and the end mark, and gives counters their whole name', () => {
    const openMetrics = [
      '# HELP calls Calls of a kind',
      '# TYPE calls counter',
      'calls_total{kind="a"} 3',
      '# HELP callsize_bytes Not a counter',
      '# TYPE callsize_bytes histogram',
      'callsize_bytes_bucket{le="1"} 2 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.7 1700000000.123',
      'callsize_bytes_count 2',
      '# EOF',
      '',
    ].join('\n')
    expect(makePrometheusText(openMetrics).split('\n')).toEqual([
      '# HELP calls_total Calls of a kind',
      '# TYPE calls_total counter',
      'calls_total{kind="a"} 3',
      '# HELP callsize_bytes Not a counter',
      '# TYPE callsize_bytes histogram',
      'callsize_bytes_bucket{le="1"} 2',
      'callsize_bytes_count 2',
      '',
    ])
  })
})
