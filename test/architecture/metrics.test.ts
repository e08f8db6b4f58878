import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { WorkerModule } from '../../apps/worker/src/worker.module.js'
import { makeMetricsCatalogue } from '../../tools/docs/metrics.catalogue.js'
import { makeMetricsPage } from '../../tools/docs/metrics.page.js'

/** What would make as many time series as there are tasks. */
const OPEN_SETS = ['id', 'task_id', 'taskid', 'trace_id', 'attempt_id', 'key', 'error', 'message', 'offset', 'path']

const metrics = makeMetricsCatalogue(WorkerModule)
const withoutLayout = (text: string) => text.replaceAll(/-{3,}/g, '---').replaceAll(/ +/g, ' ')

describe('the metrics (npm run docs:metrics writes them)', () => {
  it('stand in docs/metrics.md as the modules declare them', () => {
    expect(withoutLayout(readFileSync('docs/metrics.md', 'utf8'))).toBe(withoutLayout(makeMetricsPage(metrics)))
  })

  it('are named by the conventions of Prometheus', () => {
    expect(metrics.length).toBeGreaterThan(50)
    expect(metrics.filter(({ name }) => !/^sluice_[a-z0-9_]+$/.test(name))).toEqual([])
    expect(metrics.filter(({ name, type }) => (type === 'counter') !== name.endsWith('_total')).map(({ name }) => name)).toEqual([])
    expect(metrics.filter(({ name }) => /_(ms|millis|milliseconds|kb|mib)(_|$)/.test(name)).map(({ name }) => name)).toEqual([])
    expect(metrics.filter(({ help }) => !help.endsWith('.')).map(({ name }) => name)).toEqual([])
  })

  it('have no label whose values are not a closed set', () => {
    expect(metrics.filter(({ labels }) => labels.some((label) => OPEN_SETS.includes(label))).map(({ name }) => name)).toEqual([])
  })

  it('are declared once each', () => {
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
  })
})
