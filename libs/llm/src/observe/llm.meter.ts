import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Histogram } from 'prom-client'
import type { CallReport } from '#libs/kernel'
import { observeWithTrace } from '#libs/metrics'
import { LLM_CALL_DURATION, LLM_CALLS, LLM_COST, LLM_FIRST_TOKEN, LLM_REPEATED, LLM_TOKENS } from './llm.metrics.js'

const MAX_MODELS = 100
const OTHER = 'other'

type ModelLabels = 'provider' | 'model'

/** Counts calls to models. Their names come from files and tenants' settings, so they are few; above a bound they share one label. */
@Injectable()
export class LlmMeter {
  private readonly models = new Set<string>()

  constructor(
    @InjectMetric(LLM_CALLS) private readonly calls: Counter<ModelLabels | 'result' | 'code'>,
    @InjectMetric(LLM_CALL_DURATION) private readonly duration: Histogram<ModelLabels | 'result'>,
    @InjectMetric(LLM_FIRST_TOKEN) private readonly firstToken: Histogram<ModelLabels>,
    @InjectMetric(LLM_TOKENS) private readonly tokens: Counter<ModelLabels | 'kind'>,
    @InjectMetric(LLM_COST) private readonly cost: Counter<ModelLabels>,
    @InjectMetric(LLM_REPEATED) private readonly repeated: Counter<ModelLabels>,
  ) {}

  count({ task, attempt, result, answer, cost, startedAtMs, endedAtMs, traceparent }: CallReport): void {
    const labels = { provider: task.provider, model: this.labelOf(task.model) }
    this.calls.inc({ ...labels, result: result.kind, code: result.kind === 'answered' ? 'none' : result.error.code })
    if (attempt.number > 1) this.repeated.inc(labels)
    observeWithTrace(this.duration, { ...labels, result: result.kind }, { value: (endedAtMs - startedAtMs) / 1_000, traceparent })
    const firstByteMs = result.kind === 'answered' ? result.answer.firstByteMs : undefined
    if (firstByteMs !== undefined) observeWithTrace(this.firstToken, labels, { value: firstByteMs / 1_000, traceparent })
    if (cost !== undefined) this.cost.inc(labels, cost)
    if (!answer?.usage) return
    const { prompt_tokens: input, completion_tokens: output, precached_prompt_tokens: cached = 0 } = answer.usage
    this.tokens.inc({ ...labels, kind: 'input' }, input)
    this.tokens.inc({ ...labels, kind: 'output' }, output)
    this.tokens.inc({ ...labels, kind: 'cached' }, cached)
  }

  private labelOf(model: string): string {
    if (this.models.has(model)) return model
    if (this.models.size >= MAX_MODELS) return OTHER
    this.models.add(model)
    return model
  }
}
