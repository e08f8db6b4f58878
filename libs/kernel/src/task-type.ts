import type { ModelParams } from '#libs/contracts'
import type { DeferralSchedules } from './deferral-class.js'

export type MaybePaidPolicy = 'retry' | 'hold' | 'fail'

/** What the tasks of one type have in common. One YAML file each in TASK_TYPES_DIR. */
export interface TaskType {
  readonly name: string
  /** Who may use it; undefined: every tenant. */
  readonly tenants?: readonly string[]
  readonly provider: string
  readonly model: string
  /** Models that a task may ask for; undefined: only the type's own. */
  readonly allowedModels?: readonly string[]
  readonly params: ModelParams & { readonly max_tokens: number }
  /** The most that a task may ask for as `max_tokens`; undefined: the default above. */
  readonly maxTokensLimit?: number
  /** A template that is used where the task brings none. */
  readonly template?: { readonly name: string; readonly version?: number }
  readonly stream: boolean
  readonly ordering: 'none' | 'key'
  readonly maxAttempts: number
  /** Its own schedules; those of the settings where it has none. */
  readonly deferralMs: Partial<DeferralSchedules>
  readonly onMaybePaid: MaybePaidPolicy
  /** How often `retry` may follow a `maybe_paid` in one run. */
  readonly maxMaybePaid: number
  readonly responseSchema?: Readonly<Record<string, unknown>>
  readonly maxFileBytes: number
}

/** All task types, checked at start. */
export abstract class TaskTypes {
  abstract find(name: string): TaskType | undefined
  abstract readonly names: readonly string[]
}

/** What a tenant may reach. */
export interface TenantRules {
  readonly name: string
  readonly filePrefixes: readonly string[]
}
