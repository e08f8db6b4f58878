import type { Lane } from '#libs/kernel'
import type { Meter } from '../meters/meter.js'
import type { LimitsFile } from './limits.schema.js'

/** Of 1,000 tokens. */
export interface Price {
  readonly promptPer1k: number
  readonly completionPer1k: number
}

/** Streams that a lane needs one of, and how many there are over all replicas. */
export interface GateLimit {
  readonly gate: string
  readonly limit: number
}

/** What applies to each lane. A provider has one credential, so its name stands for it. */
export class Limits {
  constructor(
    private readonly file: LimitsFile,
    private readonly defaultStreams: number,
  ) {}

  credentialGate(provider: string): GateLimit {
    return { gate: `credential:${provider}`, limit: this.file.credentials[provider]?.max_streams ?? this.defaultStreams }
  }

  /** The credential's first; then those of the model and of the tenant, where they have one. */
  gatesOf({ provider, model, tenant }: Lane): readonly GateLimit[] {
    const ofModel = this.file.credentials[provider]?.models[model]?.max_streams
    const ofTenant = this.file.tenants[tenant]?.max_streams
    return [
      this.credentialGate(provider),
      ...(ofModel === undefined ? [] : [{ gate: `model:${provider}/${model}`, limit: ofModel }]),
      ...(ofTenant === undefined ? [] : [{ gate: `tenant:${tenant}`, limit: ofTenant }]),
    ]
  }

  /** Empty: calls of the lane are not metered. */
  metersOf({ provider, model, tenant }: Lane): readonly Meter[] {
    const credential = this.file.credentials[provider]
    const ofModel = credential?.models[model]
    const budget = this.file.tenants[tenant]?.budget
    const found: (Omit<Meter, 'limit'> & { limit: number | undefined })[] = [
      { meter: `requests:${provider}`, kind: 'requests', isDaily: false, limit: credential?.requests_per_minute },
      { meter: `tokens:${provider}`, kind: 'tokens', isDaily: false, limit: credential?.tokens_per_minute },
      { meter: `requests:${provider}/${model}`, kind: 'requests', isDaily: false, limit: ofModel?.requests_per_minute },
      { meter: `tokens:${provider}/${model}`, kind: 'tokens', isDaily: false, limit: ofModel?.tokens_per_minute },
      { meter: `budget_tokens:${tenant}`, kind: 'max_tokens', isDaily: true, limit: budget?.tokens_per_day },
      { meter: `budget_money:${tenant}`, kind: 'money', isDaily: true, limit: budget?.money_per_day },
    ]
    return found.flatMap(({ limit, ...meter }) => (limit === undefined ? [] : [{ ...meter, limit }]))
  }

  /** Every meter that has a limit, whoever uses it. */
  get allMeters(): readonly Meter[] {
    const lanes = [
      ...Object.entries(this.file.credentials).flatMap(([provider, { models }]) =>
        ['', ...Object.keys(models)].map((model) => ({ provider, model, tenant: '' })),
      ),
      ...Object.keys(this.file.tenants).map((tenant) => ({ provider: '', model: '', tenant })),
    ]
    return [...new Map(lanes.flatMap((lane) => this.metersOf(lane)).map((meter) => [meter.meter, meter])).values()]
  }

  /** undefined: nobody has named it. */
  priceOf({ provider, model }: Lane): Price | undefined {
    const price = this.file.credentials[provider]?.models[model]?.price
    return price && { promptPer1k: price.prompt_per_1k, completionPer1k: price.completion_per_1k }
  }

  weightOf(tenant: string): number {
    return this.file.tenants[tenant]?.weight ?? 1
  }
}
