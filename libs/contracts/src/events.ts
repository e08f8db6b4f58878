import type { ErrorCode } from './error-codes.js'
import type { OriginalReference } from './original-reference.schema.js'

export type Outcome = 'succeeded' | 'failed' | 'cancelled' | 'expired'

/** Tokens as the provider counted them. `precached_prompt_tokens` are part of the prompt that the provider had in its cache. */
export interface TokenUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly precached_prompt_tokens?: number
}

/** Where a large text lies in object storage. `sha256` is lower-case hex, `size` is in bytes. */
export interface ObjectReference {
  readonly bucket: string
  readonly key: string
  readonly sha256: string
  readonly size: number
}

export interface EventError {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
}

/** The value of a record on `llm.results`: one event for each run, perhaps seen more than once with the same `event_id`. */
export interface ResultEvent {
  readonly event_id: string
  readonly tenant: string
  readonly task_id: string
  readonly run: number
  readonly type: string
  readonly outcome: Outcome
  readonly output?: { readonly text: string; readonly json?: unknown }
  readonly output_ref?: ObjectReference
  readonly usage?: TokenUsage
  readonly finish_reason?: string
  readonly model?: string
  readonly attempts: number
  readonly error?: EventError
  readonly versions: { readonly settings: number; readonly prompt?: string }
  readonly timings: ResultTimings
  readonly trace_id?: string
  readonly correlation_id?: string
  readonly metadata?: Record<string, unknown>
  readonly key_sequence?: number
}

/** Milliseconds. `waiting_ms` is from accepted to the run's first claim that led to this end, `llm_ms` the last call's duration. */
export interface ResultTimings {
  readonly accepted_at: string
  readonly finished_at: string
  readonly waiting_ms: number
  readonly llm_ms?: number
  readonly total_ms: number
}

export interface DeadLetterSource {
  readonly topic: string
  readonly partition: number
  /** A decimal number: offsets do not fit a JSON number. */
  readonly offset: string
  /** Base64 of the record's key. */
  readonly key?: string
}

/**
 * The value of a record on `llm.dead-letters`. `original` is base64 of the record's value; where that is too large, `original_ref` says where
 * it lies instead. A record without a value (a tombstone) has neither.
 */
export interface DeadLetterEvent {
  readonly event_id: string
  readonly kind: 'rejected' | 'failed'
  readonly source: DeadLetterSource
  readonly tenant?: string
  readonly task_id?: string
  readonly run?: number
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly fingerprint: string
    readonly causes: readonly string[]
  }
  readonly attempts: number
  readonly original?: string
  readonly original_ref?: OriginalReference
  readonly trace_id?: string
  readonly at: string
}
