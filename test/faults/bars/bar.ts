import type { FaultStage } from '../stage/fault.stage.js'

/** What a measurement found: for a person, and what is not as it must be. */
export interface Measured {
  readonly figures: string
  /** Empty where the bar is met. */
  readonly broken: readonly string[]
}

/** A promise of the service that is measured, not only seen to hold. Its parts are measured one by one, so that a long run can be resumed. */
export interface Bar {
  readonly id: string
  readonly title: string
  readonly limit: string
  /** One for each part. */
  readonly seeds: readonly number[]
  readonly measure: (stage: FaultStage, seed: number) => Promise<Measured>
}

/** `name`, unless it holds. */
export function unless(holds: boolean, name: string): readonly string[] {
  return holds ? [] : [name]
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
