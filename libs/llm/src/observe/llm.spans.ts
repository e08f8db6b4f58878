import { context, SpanKind, type Attributes } from '@opentelemetry/api'
import type { CallReport } from '#libs/kernel'
import { GEN_AI, GENERAL, HTTP, isTraced, recordSpan, SLUICE } from '#libs/tracing'

export interface LlmSpanOptions {
  /** By provider. */
  readonly origins: ReadonlyMap<string, URL>
  readonly capturesContent: boolean
}

/** A call as two spans, once it is over: what was asked of the model, and below it the request that carried it. */
export class LlmSpans {
  constructor(private readonly options: LlmSpanOptions) {}

  record(report: CallReport): void {
    const parent = context.active()
    if (!isTraced(parent)) return
    const { task, startedAtMs: startTime, endedAtMs: atMs, result } = report
    const end = { atMs, ...(result.kind !== 'answered' && { errorCode: result.error.code }) }
    const server = this.describeServer(task.provider)
    const shape = { kind: SpanKind.CLIENT, startTime }
    const attributes = { ...describeCall(report), ...server, ...(this.options.capturesContent && describeContent(report)) }
    const below = recordSpan({ ...shape, name: `chat ${task.model}`, attributes }, end, parent)
    // Where nothing was written there was no request.
    if (result.kind === 'not_sent') return
    recordSpan({ ...shape, name: 'POST', attributes: { [HTTP.method]: 'POST', ...server, ...describeResponse(report) } }, end, below)
  }

  private describeServer(provider: string): Attributes {
    const origin = this.options.origins.get(provider)
    if (!origin) return {}
    const port = origin.port === '' ? (origin.protocol === 'https:' ? 443 : 80) : Number(origin.port)
    return { [GENERAL.serverAddress]: origin.hostname, [GENERAL.serverPort]: port }
  }
}

function describeCall({ task, attempt, params, stream, result, answer }: CallReport): Attributes {
  const firstByteMs = result.kind === 'answered' && stream ? result.answer.firstByteMs : undefined
  return {
    [GEN_AI.operationName]: 'chat',
    [GEN_AI.providerName]: task.provider,
    [GEN_AI.requestModel]: task.model,
    [GEN_AI.requestStream]: stream,
    [GEN_AI.requestMaxTokens]: params.max_tokens,
    [GEN_AI.requestTemperature]: params.temperature,
    [GEN_AI.requestTopP]: params.top_p,
    [GEN_AI.responseTimeToFirstChunk]: firstByteMs === undefined ? undefined : firstByteMs / 1_000,
    ...(answer && {
      [GEN_AI.responseModel]: answer.model,
      [GEN_AI.responseFinishReasons]: [answer.finishReason],
      [GEN_AI.usageInputTokens]: answer.usage?.prompt_tokens,
      [GEN_AI.usageOutputTokens]: answer.usage?.completion_tokens,
      [GEN_AI.usageCacheReadInputTokens]: answer.usage?.precached_prompt_tokens,
    }),
    [SLUICE.attempt]: attempt.number,
    [SLUICE.callEnd]: result.kind,
  }
}

/** As the conventions have it: messages of parts, in JSON. */
function describeContent({ messages, answer }: CallReport): Attributes {
  const input = messages.map(({ role, content }) => ({ role, parts: [{ type: 'text', content }] }))
  const output = answer && [{ role: 'assistant', parts: [{ type: 'text', content: answer.text }], finish_reason: answer.finishReason }]
  return { [GEN_AI.inputMessages]: JSON.stringify(input), ...(output && { [GEN_AI.outputMessages]: JSON.stringify(output) }) }
}

function describeResponse({ result }: CallReport): Attributes {
  if (result.kind !== 'answered' && result.kind !== 'refused') return {}
  return { [HTTP.status]: result.answer.status, [HTTP.bodySize]: result.answer.body.length }
}
