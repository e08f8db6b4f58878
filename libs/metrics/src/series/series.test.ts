import { Counter, Histogram, register, Registry, type OpenMetricsContentType } from 'prom-client'
import { beforeEach, describe, expect, it } from 'vitest'
import { CounterFamily } from './counter.series.js'
import { HistogramFamily } from './histogram.series.js'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

beforeEach(() => {
  register.clear()
  ;(register as unknown as Registry<OpenMetricsContentType>).setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
})

describe(CounterFamily.name, () => {
  it('counts as the counter itself does', async () => {
    const counter = new Counter({ name: 'calls_total', help: 'Calls.', labelNames: ['model', 'code'] })
    const family = new CounterFamily(counter, ['model', 'code'])
    family.of('one', 'none').inc()
    counter.inc({ model: 'one', code: 'none' }, 2)
    family.of('one', 'none').inc(3)
    family.of('one', 'late').inc()
    const { values } = await counter.get()
    expect(values).toEqual([
      { labels: { model: 'one', code: 'none' }, value: 6 },
      { labels: { model: 'one', code: 'late' }, value: 1 },
    ])
  })

  it('begins at zero', async () => {
    const counter = new Counter({ name: 'lines_total', help: 'Lines.', labelNames: ['sink'] })
    new CounterFamily(counter, ['sink']).of('file')
    expect(await register.metrics()).toContain('lines_total{sink="file"} 0')
  })
})

describe(HistogramFamily.name, () => {
  it('observes as the histogram itself does, at its bounds and beyond them', async () => {
    const values = [0, 0.1, 0.100_1, 0.5, 1, 7]
    const [ours, theirs] = ['ours', 'theirs'].map(
      (name) => new Histogram({ name, help: 'x', labelNames: ['step'], buckets: [0.1, 0.5, 1] }),
    )
    const series = new HistogramFamily(ours!, ['step']).of('call')
    for (const value of values) {
      series.observe(value)
      theirs!.observe({ step: 'call' }, value)
    }
    const text = async (histogram: Histogram) =>
      (await register.getSingleMetricAsString(histogram === ours ? 'ours' : 'theirs')).replaceAll('theirs', 'ours')
    expect(await text(ours!)).toBe(await text(theirs!))
    expect(await text(ours!)).toContain('ours_bucket{le="+Inf",step="call"} 6')
  })

  it('names a trace that is recorded, and no other', async () => {
    const histogram = new Histogram({ name: 'seconds', help: 'x', labelNames: ['step'], buckets: [1, 2], enableExemplars: true })
    const series = new HistogramFamily(histogram, ['step']).of('call')
    series.observeTraced(0.5, `00-${TRACE_ID}-b7ad6b7169203331-01`)
    series.observeTraced(1.5, `00-${TRACE_ID}-b7ad6b7169203331-00`)
    series.observeTraced(1.5, null)
    const text = await register.metrics()
    expect(text).toMatch(new RegExp(`^seconds_bucket\\{le="1",step="call"\\} 1 # \\{trace_id="${TRACE_ID}"\\} 0.5 `, 'm'))
    expect(text).toMatch(/^seconds_bucket\{le="2",step="call"\} 3$/m)
  })
})
