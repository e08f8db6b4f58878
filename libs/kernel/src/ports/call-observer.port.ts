import type { ModelParams } from '#libs/contracts'
import type { ClaimedTask, OpenAttempt } from '../task.js'
import type { LlmAnswer, LlmCall, SendResult } from './llm-client.port.js'

/** One call to a provider that is over. Times are milliseconds since 1970. */
export interface CallReport {
  readonly task: ClaimedTask
  readonly attempt: OpenAttempt
  readonly params: ModelParams
  readonly messages: LlmCall['messages']
  readonly stream: boolean
  /** Of the dispatch that has made it. */
  readonly traceparent: string | null
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly result: SendResult
  /** What the answer says, where there is one that can be read. */
  readonly answer?: LlmAnswer
  /** In the money of the price list; left out where the model has no price, or nothing is known of what was used. */
  readonly cost?: number
}

/** Is told of each call once, for metrics and traces. Never throws; runs in the context of the dispatch that has made the call. */
export abstract class CallObserver {
  abstract observe(report: CallReport): void
}
