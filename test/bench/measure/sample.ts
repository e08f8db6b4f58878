/** Processes whose CPU time is measured beside the worker's. */
export const OTHER_PROCESSES = ['postgres', 'kafka', 'simulator', 'minio'] as const
export type MeasuredProcess = 'worker' | (typeof OTHER_PROCESSES)[number]

/** What is known at one moment of a measurement. */
export interface Sample {
  /** On a monotonic clock. */
  readonly atMs: number
  readonly results: number
  readonly cpuSeconds: Readonly<Record<MeasuredProcess, number>>
}
