import type { Lane } from '#libs/kernel'
import type { LimitsFile } from './limits.schema.js'

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

  weightOf(tenant: string): number {
    return this.file.tenants[tenant]?.weight ?? 1
  }
}
