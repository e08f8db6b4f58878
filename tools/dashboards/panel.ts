/** `%` in an expression stands for the labels that the variables of the dashboard choose. */
export interface Query {
  readonly expr: string
  /** With labels in double braces. */
  readonly legend: string
}

/** Units of Grafana. */
export type Unit = 'short' | 's' | 'bytes' | 'Bps' | 'ops' | 'percentunit' | 'none' | 'dateTimeFromNow' | 'currencyRUB'

export interface Threshold {
  readonly from: number
  readonly color: 'green' | 'yellow' | 'red'
}

export interface Panel {
  readonly kind: 'stat' | 'timeseries'
  readonly title: string
  /** How to read it, and what to do. */
  readonly description: string
  readonly unit: Unit
  readonly queries: readonly Query[]
  readonly thresholds?: readonly Threshold[]
  /** Of 24 columns. */
  readonly width?: number
  /** Values by what they mean. */
  readonly mappings?: Readonly<Record<string, string>>
  readonly stacked?: boolean
  /** Shows traces beside the values. */
  readonly exemplars?: boolean
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Board {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly rows: readonly Row[]
}
