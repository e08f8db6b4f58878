import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { WorkerModule } from '../../apps/worker/src/worker.module.js'
import { BOARDS } from '../../tools/dashboards/boards/index.js'
import { makeDashboard } from '../../tools/dashboards/make-dashboard.js'
import { makeMetricsCatalogue } from '../../tools/docs/metrics.catalogue.js'

const FOLDER = 'helm/sluice/dashboards'
const panels = Object.values(BOARDS).flatMap(({ title, rows }) =>
  rows.flatMap((row) => row.panels.map((panel) => ({ board: title, ...panel }))),
)
const metrics = makeMetricsCatalogue(WorkerModule)

/** Names of counters and gauges are those of their series; of a histogram there are three. */
const series = new Set(
  metrics.flatMap(({ name, type }) => (type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name])),
)

describe('dashboards (npm run docs:dashboards writes them)', () => {
  it.each(Object.entries(BOARDS))('%s stands in the chart as it is made', (name, board) => {
    expect(JSON.parse(readFileSync(`${FOLDER}/${name}.json`, 'utf8'))).toEqual(JSON.parse(JSON.stringify(makeDashboard(board))))
  })

  it('are all in the folder, and nothing else', () => {
    expect(readdirSync(FOLDER).toSorted((a, b) => a.localeCompare(b))).toEqual(
      Object.keys(BOARDS)
        .map((name) => `${name}.json`)
        .toSorted((a, b) => a.localeCompare(b)),
    )
    expect(new Set(Object.values(BOARDS).map(({ uid }) => uid)).size).toBe(Object.keys(BOARDS).length)
  })

  it('ask for metrics that there are', () => {
    const asked = panels.flatMap(({ title, queries }) =>
      queries.flatMap(({ expr }) => (expr.match(/sluice_[a-z0-9_]+/g) ?? []).map((name) => ({ title, name }))),
    )
    expect(asked.filter(({ name }) => !series.has(name))).toEqual([])
  })

  it('show every metric of the service, but for those that only stand behind others', () => {
    const shown = new Set(panels.flatMap(({ queries }) => queries.flatMap(({ expr }) => expr.match(/sluice_[a-z0-9_]+/g) ?? [])))
    const hidden = metrics
      .filter(({ name }) => ![name, `${name}_bucket`, `${name}_sum`, `${name}_count`].some((each) => shown.has(each)))
      .map(({ name }) => name)
    expect(hidden).toEqual([
      'sluice_admission_blocked_lanes',
      'sluice_answers_spooled_bytes',
      'sluice_answers_waiting_bytes',
      'sluice_kafka_paused',
      'sluice_kafka_records_fetched_total',
      'sluice_leases_reaped_total',
      'sluice_pipeline_errors_total',
      'sluice_spans_exported_total',
      'sluice_storage_orphans_removed_total',
      'sluice_storage_retries_total',
      'sluice_tasks_held_total',
    ])
  })

  it('say of every panel how to read it', () => {
    expect(panels.filter(({ description }) => description.length < 15).map(({ title }) => title)).toEqual([])
    expect(panels.length).toBeGreaterThan(50)
  })
})
