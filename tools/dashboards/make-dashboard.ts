import type { Board, Panel, Query, Row, Threshold } from './panel.js'

/** Of Grafana 11. */
const SCHEMA_VERSION = 39
const COLUMNS = 24
const HEIGHT = { row: 1, stat: 4, timeseries: 8 }
const WIDTH = { stat: 4, timeseries: 12 }
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
export const SELECTION = 'job=~"$job",instance=~"$instance"'
const TAG = 'sluice'

type Json = Readonly<Record<string, unknown>>

/** A dashboard as Grafana imports it. */
export function makeDashboard({ uid, title, description, rows }: Board): Json {
  return {
    uid,
    title,
    description,
    tags: [TAG],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    links: [{ type: 'dashboards', tags: [TAG], title: 'Sluice', asDropdown: false, includeVars: true, keepTime: true, targetBlank: false }],
    templating: { list: VARIABLES },
    panels: layOut(rows),
  }
}

const VARIABLES: readonly Json[] = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
  makeLabelVariable('job', 'Job', 'label_values(sluice_build_info, job)'),
  makeLabelVariable('instance', 'Replica', 'label_values(sluice_build_info{job=~"$job"}, instance)'),
]

function makeLabelVariable(name: string, label: string, query: string): Json {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  }
}

interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** From left to right, row by row. */
function layOut(rows: readonly Row[]): Json[] {
  const panels: Json[] = []
  let y = 0
  for (const { title, panels: inRow } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: HEIGHT.row },
      panels: [],
    })
    y += HEIGHT.row
    let x = 0
    let height = 0
    for (const panel of inRow) {
      const w = panel.width ?? WIDTH[panel.kind]
      if (x + w > COLUMNS) {
        y += height
        x = height = 0
      }
      const h = HEIGHT[panel.kind]
      panels.push(makePanel(panel, panels.length + 1, { x, y, w, h }))
      x += w
      height = Math.max(height, h)
    }
    y += height
  }
  return panels
}

function makePanel(panel: Panel, id: number, gridPos: Place): Json {
  const { kind, title, description, queries, exemplars = false } = panel
  return {
    id,
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    gridPos,
    targets: queries.map((query, index) => makeTarget(query, { index, exemplars, instant: kind === 'stat' })),
    fieldConfig: { defaults: makeDefaults(panel), overrides: [] },
    options: kind === 'stat' ? STAT_OPTIONS : TIMESERIES_OPTIONS,
  }
}

function makeTarget({ expr, legend }: Query, { index, exemplars, instant }: { index: number; exemplars: boolean; instant: boolean }): Json {
  return {
    refId: String.fromCodePoint(65 + index),
    datasource: DATASOURCE,
    expr: expr.replaceAll('%', SELECTION),
    legendFormat: legend,
    ...(instant ? { instant: true, range: false } : { range: true, exemplar: exemplars }),
  }
}

function makeDefaults({ kind, unit, thresholds, mappings, stacked = false }: Panel): Json {
  return {
    unit,
    min: 0,
    ...(thresholds && {
      thresholds: { mode: 'absolute', steps: makeSteps(thresholds) },
      color: { mode: kind === 'stat' ? 'thresholds' : 'palette-classic' },
    }),
    ...(mappings && { mappings: [{ type: 'value', options: makeMappings(mappings) }] }),
    ...(kind === 'timeseries' && {
      custom: {
        drawStyle: 'line',
        lineInterpolation: 'linear',
        lineWidth: 1,
        fillOpacity: stacked ? 40 : 10,
        showPoints: 'never',
        spanNulls: false,
        stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
        thresholdsStyle: { mode: thresholds ? 'dashed' : 'off' },
      },
    }),
  }
}

function makeSteps(thresholds: readonly Threshold[]): Json[] {
  return thresholds.map(({ from, color }, index) => ({ color, value: index === 0 ? null : from }))
}

function makeMappings(mappings: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(Object.entries(mappings).map(([value, text], index) => [value, { text, index }]))
}

const STAT_OPTIONS: Json = {
  colorMode: 'value',
  graphMode: 'area',
  justifyMode: 'auto',
  textMode: 'auto',
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
}

const TIMESERIES_OPTIONS: Json = {
  legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'], showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
}
