import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Histogram } from 'prom-client'
import type { CallReport } from '#libs/kernel'
import { CounterFamily, HistogramFamily } from '#libs/metrics'
import { LLM_CALL_DURATION, LLM_CALLS, LLM_COST, LLM_FIRST_TOKEN, LLM_REPEATED, LLM_TOKENS } from './llm.metrics.js'

const MAX_MODELS = 100
const OTHER = 'other'

type ModelLabels = 'provider' | 'model'

/** Counts calls to models. Their names come from files and tenants' settings, so they are few; above a bound they share one label. */
@Injectable()
export class LlmMeter {
  private readonly models = new Set<string>()
  private readonly calls: CounterFamily<ModelLabels | 'result' | 'code'>
  private readonly duration: HistogramFamily<ModelLabels | 'result'>
  private readonly firstToken: HistogramFamily<ModelLabels>
  private readonly tokens: CounterFamily<ModelLabels | 'kind'>
  private readonly cost: CounterFamily<ModelLabels>
  private readonly repeated: CounterFamily<ModelLabels>

  constructor(
    @InjectMetric(LLM_CALLS) calls: Counter<ModelLabels | 'result' | 'code'>,
    @InjectMetric(LLM_CALL_DURATION) duration: Histogram<ModelLabels | 'result'>,
    @InjectMetric(LLM_FIRST_TOKEN) firstToken: Histogram<ModelLabels>,
    @InjectMetric(LLM_TOKENS) tokens: Counter<ModelLabels | 'kind'>,
    @InjectMetric(LLM_COST) cost: Counter<ModelLabels>,
    @InjectMetric(LLM_REPEATED) repeated: Counter<ModelLabels>,
  ) {
    this.calls = new CounterFamily(calls, ['provider', 'model', 'result', 'code'])
    this.duration = new HistogramFamily(duration, ['provider', 'model', 'result'])
    this.firstToken = new HistogramFamily(firstToken, ['provider', 'model'])
    this.tokens = new CounterFamily(tokens, ['provider', 'model', 'kind'])
    this.cost = new CounterFamily(cost, ['provider', 'model'])
    this.repeated = new CounterFamily(repeated, ['provider', 'model'])
  }

  count({ task, attempt, result, answer, cost, startedAtMs, endedAtMs, traceparent }: CallReport): void {
    const { provider } = task
    const model = this.labelOf(task.model)
    this.calls.of(provider, model, result.kind, result.kind === 'answered' ? 'none' : result.error.code).inc()
    if (attempt.number > 1) this.repeated.of(provider, model).inc()
    this.duration.of(provider, model, result.kind).observeTraced((endedAtMs - startedAtMs) / 1_000, traceparent)
    const firstByteMs = result.kind === 'answered' ? result.answer.firstByteMs : undefined
    if (firstByteMs !== undefined) this.firstToken.of(provider, model).observeTraced(firstByteMs / 1_000, traceparent)
    if (cost !== undefined) this.cost.of(provider, model).inc(cost)
    if (!answer?.usage) return
    const { prompt_tokens: input, completion_tokens: output, precached_prompt_tokens: cached = 0 } = answer.usage
    this.tokens.of(provider, model, 'input').inc(input)
    this.tokens.of(provider, model, 'output').inc(output)
    this.tokens.of(provider, model, 'cached').inc(cached)
  }

  private labelOf(model: string): string {
    if (this.models.has(model)) return model
    if (this.models.size >= MAX_MODELS) return OTHER
    this.models.add(model)
    return model
  }
}
